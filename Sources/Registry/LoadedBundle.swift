// A bundle that may serve: verified, compiled, its golden rows answered.
//
// It holds no open file: deleting its folder changes nothing that serves.

public import Configuration
public import Execution
public import Inference
public import ModelFormat
internal import Synchronization

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
    /// The source model's bytes, until somebody takes the model.
    private let source: Mutex<[UInt8]?>

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
        source = Mutex(parts.source)
    }

    /// The model as it was before it was compiled, read from the bytes that were verified at load; they are let go. nil:
    /// they were not kept, or were taken before.
    public func takeModel() throws(ConfigurationError) -> PortableModel? {
        let bytes = source.withLock { source in
            defer { source = nil }
            return source
        }
        guard let bytes else { return nil }
        let place = "\(name)/\(version)"
        return try SourceModel.read(bytes, place: place, manifest: manifest, source: "\(place) manifest").0
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
    /// Kept where the bundle is to keep it.
    var source: [UInt8]?
}
