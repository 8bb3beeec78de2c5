// SHA256SUMS, as sha256sum(1) writes and checks it: every file of the bundle, each once.
//
//     9f86d081…  model.json
//     60303ae2…  manifest.yaml

internal import Configuration

struct ChecksumList: Equatable {
    static let fileName = "SHA256SUMS"
    /// Signs the list, so it cannot stand in it.
    static let signatureName = "SHA256SUMS.sig"
    static let filesMax = 64

    private(set) var files: [(name: String, digest: SHA256Digest)] = []

    static func == (left: ChecksumList, right: ChecksumList) -> Bool {
        left.files.elementsEqual(right.files) { $0 == $1 }
    }

    subscript(name: String) -> SHA256Digest? { files.first { $0.name == name }?.digest }

    mutating func add(_ name: String, _ digest: SHA256Digest) { files.append((name, digest)) }

    /// The file's text.
    var text: String { files.map { "\($0.digest)  \($0.name)\n" }.joined() }

    init() {}

    /// - Parameter source: the file's name in errors.
    init(parsing bytes: [UInt8], source: String) throws(ConfigurationError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(source: source, message: "is not UTF-8")
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        for (index, line) in lines.enumerated() {
            func refuse(_ message: String) -> ConfigurationError {
                ConfigurationError(source: source, line: index + 1, message: message)
            }
            let (digest, rest) = (line.prefix(64), line.dropFirst(64))
            guard let digest = SHA256Digest(hex: digest), rest.hasPrefix("  ") || rest.hasPrefix(" *") else {
                throw refuse("expected 64 hexadecimal digits, two spaces and a file's name")
            }
            let name = String(rest.dropFirst(2))
            guard Self.isFileName(name) else {
                throw refuse("\(quoted(name)) is not the name of a file in this folder")
            }
            guard self[name] == nil else { throw refuse("\(name) stands twice") }
            guard files.count < Self.filesMax else { throw refuse("has more than \(Self.filesMax) files") }
            add(name, digest)
        }
    }

    /// A plain name: no path, nothing hidden, none of the lists itself.
    static func isFileName(_ name: String) -> Bool {
        guard !name.isEmpty, !name.hasPrefix("."), name != fileName, name != signatureName else { return false }
        return name.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 != 0x7f && $0 != UInt8(ascii: "\\") }
    }

    /// Compares the list with a folder: a missing file, one too many, or anything that is no file.
    func refuseOtherFiles(in folder: borrowing Directory) throws(ConfigurationError) {
        let entries = try folder.entries()
        for (name, _) in files where !entries.contains(where: { $0.name == name }) {
            throw ConfigurationError(
                source: "\(folder.path)/\(name)", message: "is missing, but \(Self.fileName) lists it")
        }
        for entry in entries where entry.name != Self.fileName && entry.name != Self.signatureName {
            guard entry.kind == .file else {
                throw ConfigurationError(
                    source: "\(folder.path)/\(entry.name)", message: "is not a regular file; a bundle holds only those")
            }
            guard self[entry.name] != nil else {
                throw ConfigurationError(
                    source: "\(folder.path)/\(entry.name)",
                    message: "is not listed in \(Self.fileName); remove it or list it")
            }
        }
    }

    /// Compares a file's digest with the listed one.
    func check(_ name: String, _ digest: SHA256Digest, in folder: String) throws(ConfigurationError) {
        guard self[name] == digest else {
            throw ConfigurationError(
                source: "\(folder)/\(name)",
                message: "differs from its checksum in \(Self.fileName): it was changed or damaged after the import")
        }
    }
}
