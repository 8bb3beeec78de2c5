// HMAC-SHA-256 (RFC 2104) by OpenSSL: who knows the key wrote the message.

internal import COpenSSL

public enum MessageCode {
    /// 32 bytes.
    public static func hmacSHA256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: SHA256Digest.byteCount)
        var count = UInt32(code.count)
        // SAFETY: OpenSSL reads as many bytes as it is told, and writes the digest's 32.
        let written = HMAC(EVP_sha256(), key, Int32(clamping: key.count), message, message.count, &code, &count)
        precondition(written != nil && Int(count) == code.count, "OpenSSL has HMAC-SHA-256")
        return code
    }
}
