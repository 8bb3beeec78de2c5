// From a folder to a bundle that may serve, in the order that trusts nothing before it is checked:
//
//     SHA256SUMS ─► no file missing, none too many
//     manifest.yaml, golden.ndjson, profile.json   read once, hashed, and only then parsed
//     source model   hashed; its image comes from the cache, or it is imported and compiled
//     manifest and profile must be this model's
//     golden rows    margins bit for bit, scores within one unit in the last place (dense layers: 1e-6)
//
// With the image cached the source model is hashed but not parsed: loading 500 trees of 63 leaves
// takes milliseconds, which a cold start of 100 ms needs.

public import Configuration
internal import Execution
internal import Inference
internal import ModelFormat

public enum BundleLoader {
    static let checksumBytesMax = 64 << 10

    /// Loads the bundle in a folder.
    /// - Parameters:
    ///   - identity: the name and version it must say it is; nil: any.
    ///   - requireGolden: refuse a bundle without golden rows.
    ///   - signature: whose signature is believed.
    ///   - keepsSource: the bundle keeps the source model's bytes until `takeModel`.
    public static func load(
        directory: String, identity: BundleIdentity? = nil, cache: ImageCache? = nil, requireGolden: Bool = false,
        signature: SignaturePolicy = .none, keepsSource: Bool = false
    ) throws(ConfigurationError) -> LoadedBundle {
        let folder = try Directory(path: directory)
        return try load(
            folder, identity: identity, cache: cache, requireGolden: requireGolden, signature: signature,
            keepsSource: keepsSource)
    }

    static func load(
        _ folder: borrowing Directory, identity: BundleIdentity?, cache: ImageCache?, requireGolden: Bool,
        signature: SignaturePolicy, keepsSource: Bool
    ) throws(ConfigurationError) -> LoadedBundle {
        let files = try BundleFiles(folder, signature: signature)
        let manifest = files.manifest
        if let identity { try refuse(manifest, unless: identity, source: files.place(Manifest.fileName)) }
        var warnings = [files.signatureWarning].compactMap { $0 }
        let parts = try compiled(folder, files, cache: cache, keepsSource: keepsSource, warnings: &warnings)
        warnings += try manifest.compare(with: parts.facts, source: files.place(Manifest.fileName))
        var profile: Profile?
        if let bytes = files.profile {
            let source = files.place(Profile.fileName)
            profile = try Profile.parse(bytes, source: source)
            try profile?.compare(with: manifest, modelDigest: parts.sourceDigest, source: source)
        }
        let goldenCount = try checkGolden(files, parts, requireGolden: requireGolden, warnings: &warnings)
        return LoadedBundle(
            parts, goldenCount: goldenCount, profile: profile, warnings: warnings)
    }

    private static func refuse(
        _ manifest: Manifest, unless identity: BundleIdentity, source: String
    ) throws(ConfigurationError) {
        guard manifest.name == identity.name else {
            throw ConfigurationError(
                source: source, keyPath: "name", message: "is \(manifest.name), but the folder is \(identity.name)'s")
        }
        guard manifest.version == identity.version else {
            throw ConfigurationError(
                source: source, keyPath: "version",
                message: "is \(manifest.version), but the folder is version \(identity.version)'s")
        }
    }

    /// The model from the cache, or from its source.
    private static func compiled(
        _ folder: borrowing Directory, _ files: BundleFiles, cache: ImageCache?, keepsSource: Bool,
        warnings: inout [String]
    ) throws(ConfigurationError) -> BundleParts {
        let file = files.manifest.modelFile
        var source: [UInt8]?
        let digest: SHA256Digest
        if keepsSource {
            let bytes = try folder.read(file, limit: ModelBounds.fileBytes)
            (source, digest) = (bytes, SHA256Digest(of: bytes))
        } else {
            digest = try folder.digest(of: file)
        }
        try files.checksums.check(file, digest, in: folder.path)
        // Other steps in the manifest, another image.
        let key = files.manifest.imageKey(source: digest)
        if let (model, facts) = cache?.load(key, featureCount: files.manifest.features.count) {
            return BundleParts(
                manifest: files.manifest, model: model, facts: facts, sourceDigest: digest,
                manifestDigest: files.manifestDigest, isCached: true, source: source)
        }
        let bytes: [UInt8]
        if let source {
            bytes = source
        } else {
            bytes = try folder.read(file, limit: ModelBounds.fileBytes)
            // Read a second time, so checked a second time.
            try files.checksums.check(file, SHA256Digest(of: bytes), in: folder.path)
        }
        let (model, facts) = try SourceModel.compile(
            bytes, place: files.place(file), manifest: files.manifest, source: files.place(Manifest.fileName),
            progress: nil)
        if let warning = cache?.store(model, facts, key: key) { warnings.append(warning) }
        return BundleParts(
            manifest: files.manifest, model: model, facts: facts, sourceDigest: digest,
            manifestDigest: files.manifestDigest, isCached: false, source: source)
    }

    /// How many golden rows the model answered.
    private static func checkGolden(
        _ files: BundleFiles, _ parts: BundleParts, requireGolden: Bool, warnings: inout [String]
    ) throws(ConfigurationError) -> Int {
        guard let golden = files.golden else {
            guard !requireGolden else {
                throw ConfigurationError(
                    source: files.place(GoldenRow.fileName),
                    message: "is missing, and the configuration requires golden rows")
            }
            warnings.append("golden: none, so nothing shows that its scores are the trainer's")
            return 0
        }
        let source = files.place(GoldenRow.fileName)
        let rows = try GoldenRow.parse(golden, source: source)
        try GoldenCheck(rows: rows, features: parts.manifest.features, model: parts.model, source: source).run()
        return rows.count
    }
}

/// A model's name and version.
public struct BundleIdentity: Sendable, Hashable {
    public var name: String
    public var version: String

    public init(name: String, version: String) {
        self.name = name
        self.version = version
    }
}

/// Source bytes to a compiled model.
enum SourceModel {
    /// - Parameters:
    ///   - place: the source model's name in errors.
    ///   - manifest: nil: there is none yet.
    ///   - source: the manifest's name in errors.
    static func compile(
        _ bytes: [UInt8], place: String, manifest: Manifest?, source: String, progress: ((Double) -> Void)?
    ) throws(ConfigurationError) -> (CompiledModel, ModelFacts) {
        let (model, facts) = try read(bytes, place: place, manifest: manifest, source: source, progress: progress)
        do { return (try CompiledModel.compile(model), facts) } catch {
            throw ConfigurationError(source: place, message: "cannot be compiled: \(error)")
        }
    }

    /// The model between the manifest's steps, not compiled; parameters as above.
    static func read(
        _ bytes: [UInt8], place: String, manifest: Manifest?, source: String, progress: ((Double) -> Void)? = nil
    ) throws(ConfigurationError) -> (PortableModel, ModelFacts) {
        let imported: ImportedModel
        do {
            imported = try ModelImporter.importModel(
                bytes, format: manifest?.modelFormat, categories: manifest?.modelCategories ?? [],
                accept: manifest?.accept ?? [], progress: progress)
        } catch {
            throw ConfigurationError(source: place, keyPath: error.place, message: error.message)
        }
        return (try manifest?.apply(to: imported.model, source: source) ?? imported.model, ModelFacts(imported))
    }
}

extension Manifest {
    /// The model between the manifest's steps.
    func apply(to model: PortableModel, source: String) throws(ConfigurationError) -> PortableModel {
        try pipeline?.apply(to: model, featureCount: features.count, source: source) ?? model
    }

    /// The names of categories by the model's own features; none where steps stand in front of it, and its
    /// columns are no longer the features.
    var modelCategories: [[String]] {
        pipeline.map { $0.before.isEmpty } ?? true ? features.map(\.categories) : []
    }

    /// What the compiled image is found by: the source model, and what the manifest says that is compiled with
    /// it: steps, names of categories, accepted approximations.
    func imageKey(source digest: SHA256Digest) -> SHA256Digest {
        var bytes = digest.bytes + (pipeline?.encoded ?? [])
        for (index, list) in ([accept] + modelCategories).enumerated() where !list.isEmpty {
            bytes += Array("\(index):".utf8) + list.flatMap { Array($0.utf8) + [0] }
        }
        return bytes.count == digest.bytes.count ? digest : SHA256Digest(of: bytes)
    }
}
