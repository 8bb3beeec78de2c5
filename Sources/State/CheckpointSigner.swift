// The key that signs the audit log's checkpoints.
//
//     state/audit.key   32 bytes, mode 0600        state/audit.pub   its public half, in hexadecimal

internal import Configuration
internal import Glibc
internal import Registry

struct CheckpointSigner: Sendable {
    static let keyName = "audit.key"
    static let publicName = "audit.pub"

    private let key: [UInt8]
    let publicKey: [UInt8]

    /// Reads the key of a folder, or makes one; nil: one for this process only.
    init(folder: String?) throws(StateError) {
        guard let folder else {
            key = Ed25519.makeKey()
            publicKey = Ed25519.publicKey(of: key) ?? []
            return
        }
        let path = "\(folder)/\(Self.keyName)"
        if let known = try Self.read(path) { key = known } else { key = try Self.make(path) }
        guard let publicKey = Ed25519.publicKey(of: key) else { throw StateError("\(path): is not an Ed25519 key") }
        self.publicKey = publicKey
        let text = Ed25519.hex(publicKey) + "\n"
        let descriptor = open("\(folder)/\(Self.publicName)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0, write(descriptor, text, text.utf8.count) == text.utf8.count else {
            throw StateError("\(folder)/\(Self.publicName) cannot be written: \(FileBytes.reason(errno))")
        }
        Glibc.close(descriptor)
    }

    private static func read(_ path: String) throws(StateError) -> [UInt8]? {
        guard access(path, F_OK) == 0 else { return nil }
        do { return try FileBytes.read(path, limit: 1024) } catch { throw StateError("\(error)") }
    }

    private static func make(_ path: String) throws(StateError) -> [UInt8] {
        let key = Ed25519.makeKey()
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0, write(descriptor, key, key.count) == key.count, fsync(descriptor) == 0 else {
            throw StateError("\(path) cannot be written: \(FileBytes.reason(errno))")
        }
        Glibc.close(descriptor)
        return key
    }

    func sign(_ message: [UInt8]) throws -> [UInt8] {
        guard let signature = Ed25519.sign(message, key: key) else {
            throw StateError("the checkpoint cannot be signed")
        }
        return signature
    }

    static func message(_ sequence: Int64, _ hash: [UInt8]) -> [UInt8] {
        Array("serin audit checkpoint \(sequence) ".utf8) + hash
    }
}
