// SHA-256 by OpenSSL, which uses the processor's own instructions: about 1.5 GB/s here, so the
// largest shipped model costs a few milliseconds of a cold start.

internal import COpenSSL

/// 32 bytes that stand for a file's content.
public struct SHA256Digest: Sendable, Hashable, CustomStringConvertible {
    public static let byteCount = 32

    public let bytes: [UInt8]

    /// 64 hexadecimal digits of either case; nil: something else.
    public init?(hex: some StringProtocol) {
        let digits = hex.utf8.map(Self.digitValue)
        guard digits.count == 64, !digits.contains(nil) else { return nil }
        bytes = stride(from: 0, to: 64, by: 2).map { digits[$0]! << 4 | digits[$0 + 1]! }
    }

    /// The digest of bytes at hand.
    public init(of content: [UInt8]) {
        var hasher = SHA256Hasher()
        content.withUnsafeBytes { hasher.update($0) }
        self = hasher.finish()
    }

    fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

    /// Lower-case hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func digitValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}

/// A digest in the making; owns OpenSSL's context.
struct SHA256Hasher: ~Copyable {
    private let context: OpaquePointer

    init() {
        guard let context = EVP_MD_CTX_new() else { fatalError("out of memory for a digest") }
        let isReady = EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
        precondition(isReady, "OpenSSL has SHA-256")
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        // SAFETY: OpenSSL reads `count` bytes and keeps no pointer. It fails only when not initialised.
        if let base = bytes.baseAddress { EVP_DigestUpdate(context, base, bytes.count) }
    }

    consuming func finish() -> SHA256Digest {
        SHA256Digest(
            bytes: [UInt8](unsafeUninitializedCapacity: SHA256Digest.byteCount) { buffer, count in
                // SAFETY: SHA-256 writes 32 bytes.
                EVP_DigestFinal_ex(context, buffer.baseAddress!, nil)
                count = SHA256Digest.byteCount
            })
    }
}
