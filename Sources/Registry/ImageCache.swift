// Compiled images, kept so that a start need not read and compile source models.
//
//     <folder, 0700>/<key>-<compiler>-<processor>.image
//     [ "SERINIMG" | version u32 | facts length u32 | SHA-256 of facts | facts | padding to 64 | image ]
//
// An entry is found by what it was made from: the key is the source's SHA-256 (with the manifest's
// steps, where it has any), and another source, another compiler or another processor is another
// name, so nothing ever has to be invalidated.  An entry that is damaged is
// compiled anew and replaced.  The folder decides which scores are served, so it is refused when
// somebody else could write to it.  Entries are written beside and renamed: two processes that
// start at once do not meet half a file.

public import Configuration
internal import Execution
internal import Glibc

public struct ImageCache: Sendable {
    /// The folder.
    public let path: String

    private static let magic = Array("SERINIMG".utf8)
    private static let layoutVersion: UInt32 = 1
    private static let headerBytes = 48
    private static let entryBytesMax = 4 << 30

    /// Opens the folder, and makes it where it is not there yet.
    public init(path: String) throws(ConfigurationError) {
        self.path = path
        try Self.makeFolder(path)
        try Self.refuseUnsafe(path)
    }

    /// Throws where the path is no folder or others could write to it; one that is not there is fine.
    public static func refuseUnsafe(_ path: String) throws(ConfigurationError) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw ConfigurationError(source: path, message: "is not a folder, so images cannot be cached there")
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw ConfigurationError(
                source: path,
                message: "could be written by others; make it yours with mode 0700, or set another cache.path")
        }
    }

    /// Makes the folder and those above it, closed to others.
    private static func makeFolder(_ path: String) throws(ConfigurationError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw ConfigurationError(source: path, message: "cannot be made: \(FileBytes.reason(errno))")
        }
        try makeFolder(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw ConfigurationError(source: path, message: "cannot be made: \(FileBytes.reason(errno))")
        }
    }

    /// The model kept under this key; nil: not there, or not whole.
    ///
    /// - Parameter featureCount: of the manifest; the model's own columns can be others, behind steps.
    func load(_ key: SHA256Digest, featureCount: Int) -> (model: CompiledModel, facts: ModelFacts)? {
        guard let folder = try? Directory(path: path) else { return nil }
        guard let bytes = try? folder.read(fileName(key), limit: Self.entryBytesMax) else { return nil }
        guard bytes.count >= Self.headerBytes, bytes.starts(with: Self.magic),
            number(bytes, at: 8) == Self.layoutVersion
        else { return nil }
        let factsEnd = Self.headerBytes + Int(number(bytes, at: 12))
        let imageStart = (factsEnd + 63) & ~63
        guard imageStart < bytes.count else { return nil }
        let factsBytes = Array(bytes[Self.headerBytes..<factsEnd])
        guard SHA256Digest(of: factsBytes).bytes == Array(bytes[16..<48]),
            let facts = ModelFacts(decoding: factsBytes)
        else { return nil }
        let model = bytes.withUnsafeBytes {
            try? CompiledModel(image: UnsafeRawBufferPointer(rebasing: $0[imageStart...]))
        }
        guard let model, model.featureCount == featureCount, model.outputCount == facts.outputCount else {
            return nil
        }
        return (model, facts)
    }

    /// Keeps an image; returns a warning where that is not possible.
    func store(_ model: CompiledModel, _ facts: ModelFacts, key: SHA256Digest) -> String? {
        let factsBytes = facts.encoded
        var bytes = Self.magic
        for number in [Self.layoutVersion, UInt32(factsBytes.count)] {
            withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
        }
        bytes += SHA256Digest(of: factsBytes).bytes
        bytes += factsBytes
        bytes += [UInt8](repeating: 0, count: (64 - bytes.count % 64) % 64)
        // The image is valid as long as the model, which the caller holds.
        bytes += model.image
        do {
            let folder = try Directory(path: path)
            let temporary = ".\(fileName(key)).\(getpid())"
            try folder.write(bytes, to: temporary, mode: 0o600, replacing: true, durable: false)
            guard renameat(folder.descriptor, temporary, folder.descriptor, fileName(key)) == 0 else {
                let reason = FileBytes.reason(errno)
                unlinkat(folder.descriptor, temporary, 0)
                return "the compiled image cannot be kept in \(path): \(reason)"
            }
            return nil
        } catch {
            return "the compiled image cannot be kept: \(error)"
        }
    }

    private func fileName(_ key: SHA256Digest) -> String {
        "\(key)-\(CompiledModel.compilerVersion)-\(CompiledModel.processor).image"
    }

    private func number(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
