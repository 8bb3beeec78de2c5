// Ed25519 (RFC 8032) by OpenSSL: signatures of bundles and of the audit log's checkpoints.
//
// Keys are their 32 bytes. Files hold a public key as PEM, or as 64 hexadecimal digits.

internal import COpenSSL

public enum Ed25519 {
    public static let keyBytes = 32
    public static let signatureBytes = 64

    /// A new secret key.
    public static func makeKey() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<keyBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// nil: not 32 bytes.
    public static func publicKey(of secret: [UInt8]) -> [UInt8]? {
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, secret, secret.count) else { return nil }
        defer { EVP_PKEY_free(key) }
        return raw(key)
    }

    private static func raw(_ key: OpaquePointer) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: keyBytes)
        var count = keyBytes
        guard EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1, count == keyBytes else { return nil }
        return bytes
    }

    /// nil: the key is none.
    public static func sign(_ message: [UInt8], key secret: [UInt8]) -> [UInt8]? {
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, secret, secret.count) else { return nil }
        defer { EVP_PKEY_free(key) }
        guard let context = EVP_MD_CTX_new() else { return nil }
        defer { EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: signatureBytes)
        var count = signatureBytes
        guard EVP_DigestSignInit(context, nil, nil, nil, key) == 1,
            EVP_DigestSign(context, &signature, &count, message, message.count) == 1
        else { return nil }
        return signature
    }

    public static func verify(_ message: [UInt8], signature: [UInt8], key publicKey: [UInt8]) -> Bool {
        guard signature.count == signatureBytes, publicKey.count == keyBytes,
            let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, publicKey, publicKey.count)
        else { return false }
        defer { EVP_PKEY_free(key) }
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    /// A public key from a file's text: PEM, or 64 hexadecimal digits; nil: something else.
    public static func publicKey(text: [UInt8]) -> [UInt8]? {
        let trimmed = text.filter { $0 > 0x20 }
        if let digest = SHA256Digest(hex: String(decoding: trimmed, as: UTF8.self)) { return digest.bytes }
        guard let memory = BIO_new_mem_buf(text, Int32(clamping: text.count)) else { return nil }
        defer { BIO_free(memory) }
        guard let key = PEM_read_bio_PUBKEY(memory, nil, nil, nil) else { return nil }
        defer { EVP_PKEY_free(key) }
        guard EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 else { return nil }
        return raw(key)
    }

    /// Lower-case hexadecimal digits.
    public static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
