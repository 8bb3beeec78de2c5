// A bundle in memory: everything checked that its loader will check.

internal import Configuration
internal import Execution
internal import ModelFormat

struct BundleDraft {
    let manifest: Manifest
    let facts: ModelFacts
    let model: CompiledModel
    private(set) var goldenCount = 0
    private(set) var warnings: [String]
    /// In the order they are written, SHA256SUMS last.
    private(set) var files: [(name: String, bytes: [UInt8])]

    init(_ request: BundleImport, progress: ((Double) -> Void)?) throws(ConfigurationError) {
        let stated = try request.manifest.map { path throws(ConfigurationError) in
            let bytes = try FileBytes.read(path, limit: YAMLDocument.bytesMax)
            return (bytes: bytes, manifest: try Manifest.parse(bytes, source: path))
        }
        if let stated { try Self.refuse(stated.manifest, for: request) }
        let source = try FileBytes.read(request.source, limit: ModelBounds.fileBytes)
        (model, facts) = try SourceModel.compile(
            source, place: request.source, manifest: stated?.manifest,
            source: request.manifest ?? Manifest.fileName, progress: progress)
        var made = Manifest(
            name: request.identity.name, version: request.identity.version, facts: facts,
            golden: request.golden == nil ? .absent : .present)
        if let lineage = request.lineage { made.lineage = lineage }
        manifest = stated?.manifest ?? made
        let manifestBytes = stated?.bytes ?? Array(made.text.utf8)
        let place = request.manifest ?? Manifest.fileName
        // A manifest that was made is read back, so that what is written can be loaded.
        let readBack = try Manifest.parse(manifestBytes, source: place)
        guard readBack == manifest else {
            throw ConfigurationError(
                source: request.source, message: "has names that YAML does not keep; give a --manifest with others")
        }
        warnings = try facts.notes + manifest.compare(with: facts, source: place)
        files = [(manifest.modelFile, source), (Manifest.fileName, manifestBytes)]
        try addGolden(request.golden)
        try addProfile(request.profile, source: source)
        addChecksums()
    }

    private mutating func addGolden(_ path: String?) throws(ConfigurationError) {
        guard let path else {
            warnings.append("golden: none, so nothing shows that its scores are the trainer's; give --golden")
            return
        }
        let bytes = try FileBytes.read(path, limit: GoldenRow.bytesMax)
        let rows = try GoldenRow.parse(bytes, source: path)
        try GoldenCheck(rows: rows, features: manifest.features, model: model, source: path).run()
        goldenCount = rows.count
        files.append((GoldenRow.fileName, bytes))
    }

    private mutating func addProfile(_ path: String?, source: [UInt8]) throws(ConfigurationError) {
        guard let path else { return }
        let bytes = try FileBytes.read(path, limit: Profile.bytesMax)
        try Profile.parse(bytes, source: path)
            .compare(with: manifest, modelDigest: SHA256Digest(of: source), source: path)
        files.append((Profile.fileName, bytes))
    }

    private mutating func addChecksums() {
        var checksums = ChecksumList()
        for (name, bytes) in files { checksums.add(name, SHA256Digest(of: bytes)) }
        files.append((ChecksumList.fileName, Array(checksums.text.utf8)))
    }

    /// A manifest that is given must say what the flags say.
    private static func refuse(_ manifest: Manifest, for request: BundleImport) throws(ConfigurationError) {
        func refuse(_ keyPath: String, _ message: String) -> ConfigurationError {
            ConfigurationError(source: request.manifest ?? Manifest.fileName, keyPath: keyPath, message: message)
        }
        guard manifest.name == request.identity.name else {
            throw refuse("name", "is \(manifest.name), but --name is \(request.identity.name)")
        }
        guard manifest.version == request.identity.version else {
            throw refuse("version", "is \(manifest.version), but --version is \(request.identity.version)")
        }
        switch manifest.golden {
        case .present where request.golden == nil: throw refuse("golden", "is present, but there is no --golden")
        case .absent where request.golden != nil: throw refuse("golden", "is none, but --golden is given")
        default: break
        }
    }
}
