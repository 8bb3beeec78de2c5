// Certificates, keys and revocation lists out of PEM.

import COpenSSL

/// A parsed object of OpenSSL's, released with it.
struct OwnedObject: ~Copyable {
    let pointer: OpaquePointer
    private let release: (OpaquePointer?) -> Void

    init(_ pointer: OpaquePointer, release: @escaping (OpaquePointer?) -> Void) {
        self.pointer = pointer
        self.release = release
    }

    deinit { release(pointer) }
}

enum PEM {
    /// Objects of one file; far above what any bundle of authorities holds.
    static let objectLimit = 4096

    /// Calls `take` with every certificate of the file; returns how many there were.
    static func certificates(
        _ file: NamedBytes, _ take: (OpaquePointer, Int) throws(TLSSettingsError) -> Void
    ) throws(TLSSettingsError) -> Int {
        try objects(
            file, "a certificate", read: { PEM_read_bio_X509($0, nil, refusePassword, nil) }, release: X509_free, take)
    }

    static func revocations(
        _ file: NamedBytes, _ take: (OpaquePointer, Int) throws(TLSSettingsError) -> Void
    ) throws(TLSSettingsError) -> Int {
        try objects(
            file, "a revocation list", read: { PEM_read_bio_X509_CRL($0, nil, refusePassword, nil) },
            release: X509_CRL_free, take)
    }

    static func key(_ file: NamedBytes) throws(TLSSettingsError) -> OwnedObject {
        ERR_clear_error()
        let key = withBIO(file.bytes) { PEM_read_bio_PrivateKey($0, nil, refusePassword, nil) }
        guard let key else {
            let isEncrypted = String(decoding: file.bytes, as: UTF8.self).contains("ENCRYPTED")
            throw TLSSettingsError(
                file.name,
                isEncrypted ? "the key is encrypted; expected one without a password" : "expected a private key in PEM")
        }
        return OwnedObject(key) { EVP_PKEY_free($0) }
    }

    private static func objects(
        _ file: NamedBytes, _ kind: String, read: (OpaquePointer?) -> OpaquePointer?,
        release: (OpaquePointer?) -> Void, _ take: (OpaquePointer, Int) throws(TLSSettingsError) -> Void
    ) throws(TLSSettingsError) -> Int {
        ERR_clear_error()
        var found: [OpaquePointer] = []
        defer { for object in found { release(object) } }
        withBIO(file.bytes) { bio in
            while found.count < objectLimit, let object = read(bio) { found.append(object) }
        }
        // The reader's last error is "no start line" where the file simply ended.
        let last = ERR_peek_last_error()
        ERR_clear_error()
        guard found.isEmpty == false, copenssl_error_reason(last) == PEM_R_NO_START_LINE else {
            throw TLSSettingsError(
                file.name, found.isEmpty ? "expected \(kind) in PEM" : "PEM object \(found.count + 1) is broken")
        }
        for (index, object) in found.enumerated() { try take(object, index) }
        return found.count
    }

    private static func withBIO<Result>(_ bytes: [UInt8], _ body: (OpaquePointer?) -> Result) -> Result {
        bytes.withUnsafeBytes { buffer in
            let bio = copenssl_memory_bio(buffer.baseAddress, Int32(buffer.count))
            defer { BIO_free(bio) }
            return body(bio)
        }
    }

    /// Nobody is asked for a password.
    private static let refusePassword:
        @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = { _, _, _, _ in
            -1
        }
}
