// `serin model import`: a trained model becomes a bundle, whole or not at all.
//
//     source ─► import ─► compile ─┐
//     manifest (given or made) ────┼─► everything the loader would check ─► NAME/.VERSION.XXXXXX/
//     golden, profile (optional) ──┘     files, SHA256SUMS, fsync ─► rename to NAME/VERSION ─► fsync
//
// The new folder appears under its name only when all of it is on disk.  A crash before leaves a
// hidden folder that discovery skips; an error removes it.  A version that is there is never
// overwritten: somebody may be serving it, and versions do not change.

public import Configuration
public import Execution
internal import Glibc
internal import ModelFormat

/// What to import.
public struct BundleImport: Sendable {
    /// The model's file, as its trainer wrote it.
    public var source: String
    public var identity: BundleIdentity
    public var manifest: String?
    public var golden: String?
    public var profile: String?
    public var repository: String
    /// Written into a manifest that is made; a manifest that is given has its own.
    public var lineage: Manifest.Lineage?

    public init(
        source: String, identity: BundleIdentity, manifest: String? = nil, golden: String? = nil,
        profile: String? = nil, repository: String
    ) {
        self.source = source
        self.identity = identity
        self.manifest = manifest
        self.golden = golden
        self.profile = profile
        self.repository = repository
    }
}

/// What was imported.
public struct ImportedBundle: Sendable {
    public let directory: String
    public let manifest: Manifest
    public let facts: ModelFacts
    public let model: CompiledModel
    public let goldenCount: Int
    public let warnings: [String]
}

public enum BundleWriter {
    /// Reads, checks and writes.
    /// - Parameter progress: 0 to 1 while the source is read.
    public static func write(
        _ request: BundleImport, progress: ((Double) -> Void)? = nil
    ) throws(ConfigurationError) -> ImportedBundle {
        try write(request, progress: progress) { _ in }
    }

    /// - Parameter step: called before each file and the rename; tests fail here.
    static func write(
        _ request: BundleImport, progress: ((Double) -> Void)?, step: (String) throws(ConfigurationError) -> Void
    ) throws(ConfigurationError) -> ImportedBundle {
        try refuseIdentity(request.identity)
        let directory = ModelRepository(path: request.repository).directory(of: request.identity)
        try refuseExisting(directory)
        let draft = try BundleDraft(request, progress: progress)
        let folder = try StagingFolder(request)
        do {
            for (name, bytes) in draft.files {
                try step(name)
                try folder.write(bytes, to: name)
            }
            try step("rename")
            try folder.publish(as: request.identity.version)
        } catch {
            folder.remove()
            throw error
        }
        try folder.confirm()
        return ImportedBundle(
            directory: directory, manifest: draft.manifest, facts: draft.facts, model: draft.model,
            goldenCount: draft.goldenCount, warnings: draft.warnings)
    }

    private static func refuseIdentity(_ identity: BundleIdentity) throws(ConfigurationError) {
        guard ModelIdentifier.isName(identity.name) else {
            throw ConfigurationError(source: "--name", message: "expected \(ModelIdentifier.nameExpectation)")
        }
        guard ModelIdentifier.versionNumber(identity.version) != nil else {
            throw ConfigurationError(source: "--version", message: "expected \(ModelIdentifier.versionExpectation)")
        }
    }

    private static func refuseExisting(_ directory: String) throws(ConfigurationError) {
        var status = stat()
        if lstat(directory, &status) == 0 {
            throw ConfigurationError(
                source: directory, message: "is there already, and versions do not change; choose another --version")
        }
    }
}
