// A bundle that may serve: verified, compiled, its golden rows answered.
//
// It holds no open file: deleting its folder changes nothing that serves.

public import Execution
public import Inference

public final class LoadedBundle: Sendable {
    public let manifest: Manifest
    public let input: ModelInput
    public let output: ModelOutput
    public let model: CompiledModel
    /// What the source model says about itself.
    public let facts: ModelFacts
    /// 0: the bundle says `golden: none`.
    public let goldenCount: Int
    /// How the training's data was distributed; nil: the bundle does not say.
    public let profile: Profile?
    /// The edges of the bins of its training's scores, the outer ones too; empty: unknown, or not one score a row.
    public var scoreEdges: [Double] {
        guard let profile, profile.scores.count == 1 else { return [] }
        return profile.scores[0].histogram.edges
    }
    /// Of the source model's file.
    public let sourceDigest: SHA256Digest
    public let manifestDigest: SHA256Digest
    /// Whether the image came from the cache.
    public let isCached: Bool
    /// What an operator should know, a sentence each.
    public let warnings: [String]

    public var name: String { manifest.name }
    public var version: String { manifest.version }

    init(_ parts: BundleParts, goldenCount: Int, profile: Profile?, warnings: [String]) {
        manifest = parts.manifest
        input = parts.manifest.input(format: parts.facts.format)
        output = parts.manifest.output(scoreType: parts.model.scoreType, columns: parts.model.outputCount)
        model = parts.model
        facts = parts.facts
        self.goldenCount = goldenCount
        self.profile = profile
        sourceDigest = parts.sourceDigest
        manifestDigest = parts.manifestDigest
        isCached = parts.isCached
        self.warnings = warnings
    }
}

/// A manifest and the model it describes.
struct BundleParts {
    var manifest: Manifest
    var model: CompiledModel
    var facts: ModelFacts
    var sourceDigest: SHA256Digest
    var manifestDigest: SHA256Digest
    var isCached: Bool
}
