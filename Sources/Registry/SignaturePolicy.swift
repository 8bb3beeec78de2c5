// Whose signature of SHA256SUMS is believed, and whether there must be one.
//
//     SHA256SUMS ──Ed25519──► SHA256SUMS.sig, 64 bytes      openssl pkeyutl -sign -rawin -inkey KEY -in SHA256SUMS -out …
//
// The list covers every file of the bundle, so one signature covers them all.

public import Configuration

public struct SignaturePolicy: Sendable, Equatable {
    /// Any of these may have signed; 32 bytes each.
    public var keys: [[UInt8]]
    /// A bundle without a signature is refused.
    public var isRequired: Bool

    /// Nobody is asked to sign.
    public static let none = SignaturePolicy(keys: [], isRequired: false)

    public init(keys: [[UInt8]], isRequired: Bool) {
        self.keys = keys
        self.isRequired = isRequired
    }

    /// Reads public keys; throws where a file holds none.
    public static func readKeys(_ files: [String]) throws(ConfigurationError) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        for file in files {
            guard let key = Ed25519.publicKey(text: try FileBytes.read(file, limit: 65536)) else {
                throw ConfigurationError(
                    source: file, message: "is no Ed25519 public key: expected PEM, or 64 hexadecimal digits")
            }
            keys.append(key)
        }
        return keys
    }

    /// Compares the list of a folder with its signature. A warning where one is there and nobody's key is known.
    func check(_ list: [UInt8], in folder: borrowing Directory) throws(ConfigurationError) -> String? {
        let place = "\(folder.path)/\(ChecksumList.signatureName)"
        guard try folder.entries().contains(where: { $0.name == ChecksumList.signatureName }) else {
            if isRequired {
                throw ConfigurationError(
                    source: place, message: "is missing, and the configuration requires a signature")
            }
            return nil
        }
        guard !keys.isEmpty else {
            if isRequired {
                throw ConfigurationError(source: place, message: "cannot be checked: signing.keys names no key")
            }
            return "it is signed, but signing.keys names no key to check it with"
        }
        let signature = try folder.read(ChecksumList.signatureName, limit: 4096)
        guard signature.count == Ed25519.signatureBytes else {
            throw ConfigurationError(
                source: place, message: "has \(signature.count) bytes, not the 64 of an Ed25519 signature")
        }
        guard keys.contains(where: { Ed25519.verify(list, signature: signature, key: $0) }) else {
            throw ConfigurationError(
                source: place,
                message:
                    "is not the signature of \(ChecksumList.fileName) by any key of signing.keys: changed, or by another"
            )
        }
        return nil
    }
}
