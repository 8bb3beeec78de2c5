// The small files of a bundle, read once and found as SHA256SUMS says; the source model, which may
// be large, is left to the loader.

internal import Configuration

struct BundleFiles {
    let folder: String
    let checksums: ChecksumList
    let manifest: Manifest
    let manifestDigest: SHA256Digest
    let golden: [UInt8]?
    let profile: [UInt8]?

    /// What an operator should know of the signature.
    let signatureWarning: String?

    init(
        _ folder: borrowing Directory, signature: SignaturePolicy = .none
    ) throws(ConfigurationError) {
        self.folder = folder.path
        let list = try folder.read(ChecksumList.fileName, limit: BundleLoader.checksumBytesMax)
        signatureWarning = try signature.check(list, in: folder)
        let checksums = try ChecksumList(parsing: list, source: "\(folder.path)/\(ChecksumList.fileName)")
        try checksums.refuseOtherFiles(in: folder)
        self.checksums = checksums
        let manifest = try Self.read(Manifest.fileName, YAMLDocument.bytesMax, folder, checksums)
        guard let manifest else {
            throw ConfigurationError(
                source: folder.path, message: "holds no \(Manifest.fileName), which a bundle needs")
        }
        manifestDigest = SHA256Digest(of: manifest)
        self.manifest = try Manifest.parse(manifest, source: "\(folder.path)/\(Manifest.fileName)")
        golden = try Self.read(GoldenRow.fileName, GoldenRow.bytesMax, folder, checksums)
        profile = try Self.read(Profile.fileName, Profile.bytesMax, folder, checksums)
        try refuseContradictions()
        let others = checksums.files.map(\.name).filter { name in
            ![Manifest.fileName, GoldenRow.fileName, Profile.fileName, self.manifest.modelFile].contains(name)
        }
        for name in others { try checksums.check(name, folder.digest(of: name), in: folder.path) }
    }

    /// A file that is listed, and nil where it is not.
    private static func read(
        _ name: String, _ limit: Int, _ folder: borrowing Directory, _ checksums: ChecksumList
    ) throws(ConfigurationError) -> [UInt8]? {
        guard checksums[name] != nil else { return nil }
        let bytes = try folder.read(name, limit: limit)
        try checksums.check(name, SHA256Digest(of: bytes), in: folder.path)
        return bytes
    }

    private func refuseContradictions() throws(ConfigurationError) {
        guard checksums[manifest.modelFile] != nil else {
            throw ConfigurationError(
                source: place(manifest.modelFile),
                message: "is missing; \(Manifest.fileName) names it as the model's file")
        }
        let isThere = golden != nil
        guard let stated = manifest.golden, (stated == .present) != isThere else { return }
        throw ConfigurationError(
            source: place(Manifest.fileName), keyPath: "golden",
            message: isThere
                ? "is none, but there is \(GoldenRow.fileName)" : "is present, but \(GoldenRow.fileName) is missing")
    }

    /// A file of the bundle as errors name it.
    func place(_ name: String) -> String { "\(folder)/\(name)" }
}
