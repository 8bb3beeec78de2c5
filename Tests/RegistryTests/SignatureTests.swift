import Configuration
import Foundation
import Inference
import Testing

@testable import Registry

/// Who signed a bundle, and what happens when it is somebody else, or nobody.
@Suite struct SignatureTests {
    private static func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).map { offset in
            let start = hex.index(hex.startIndex, offsetBy: offset)
            return UInt8(hex[start..<hex.index(start, offsetBy: 2)], radix: 16) ?? 0
        }
    }

    /// RFC 8032, 7.1, TEST 1.
    @Test func theStandardsVector() {
        let secret = Self.bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        let signature = Self.bytes(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        )
        let key = Ed25519.publicKey(of: secret)
        #expect(key.map(Ed25519.hex) == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        #expect(Ed25519.sign([], key: secret) == signature)
        #expect(Ed25519.verify([], signature: signature, key: key ?? []))
        #expect(!Ed25519.verify([0], signature: signature, key: key ?? []))
        #expect(!Ed25519.verify([], signature: signature.dropLast() + [0x0c], key: key ?? []))
    }

    private static func load(_ policy: SignaturePolicy, signer: [UInt8]?) throws -> LoadedBundle {
        let folder = try TemporaryFolder()
        try TinyBundle().write(to: folder["tiny/1"]) { files in
            guard let signer, let list = files["SHA256SUMS"] else { return }
            files["SHA256SUMS.sig"] = Ed25519.sign(list, key: signer)
        }
        return try BundleLoader.load(directory: folder["tiny/1"].path(percentEncoded: false), signature: policy)
    }

    private static func error(_ policy: SignaturePolicy, signer: [UInt8]?) -> String {
        #expect(throws: ConfigurationError.self) { try load(policy, signer: signer) }?.message ?? ""
    }

    @Test func onlyAKnownKeysSignatureIsBelieved() throws {
        let (mine, other) = (Ed25519.makeKey(), Ed25519.makeKey())
        let key = try #require(Ed25519.publicKey(of: mine))
        for isRequired in [false, true] {
            let policy = SignaturePolicy(keys: [key], isRequired: isRequired)
            #expect(try Self.load(policy, signer: mine).warnings == [])
            #expect(Self.error(policy, signer: other).contains("is not the signature of SHA256SUMS"))
        }
        #expect(try Self.load(SignaturePolicy(keys: [key], isRequired: false), signer: nil).warnings == [])
        let required = SignaturePolicy(keys: [key], isRequired: true)
        #expect(Self.error(required, signer: nil).contains("requires a signature"))
        #expect(try Self.load(.none, signer: mine).warnings.first?.contains("names no key") == true)
        let nobody = SignaturePolicy(keys: [], isRequired: true)
        #expect(Self.error(nobody, signer: mine).contains("names no key"))
    }

    @Test func keysAreReadInHexadecimalAndAsPEM() {
        let hex = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        let pem = """
            -----BEGIN PUBLIC KEY-----
            MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
            -----END PUBLIC KEY-----
            """
        #expect(Ed25519.publicKey(text: Array((hex + "\n").utf8)).map(Ed25519.hex) == hex)
        #expect(Ed25519.publicKey(text: Array(pem.utf8)).map(Ed25519.hex) == hex)
        #expect(Ed25519.publicKey(text: Array("nothing".utf8)) == nil)
    }
}

@Suite struct SchemaComparisonTests {
    private static let amount = FeatureSpec(name: "amount", kind: .number, unit: "EUR")
    private static let country = FeatureSpec(name: "country", kind: .category, categories: ["DE", "FR"])

    private static func differences(_ change: (inout [FeatureSpec]) -> Void) -> [String] {
        var features = [amount, country]
        change(&features)
        return SchemaComparison.differences([amount, country], features)
    }

    @Test func whatAClientWouldHaveToChangeIsListed() {
        #expect(Self.differences { _ in } == [])
        #expect(Self.differences { $0.swapAt(0, 1) } == ["the features are in another order"])
        #expect(Self.differences { $0.removeLast() } == ["without the feature(s) country"])
        #expect(
            Self.differences { $0[0].name = "sum" } == [
                "without the feature(s) amount", "with the new feature(s) sum",
            ])
        #expect(Self.differences { $0[0].kind = .integer } == ["amount is integer, not number"])
        #expect(Self.differences { $0[0].unit = "USD" } == ["amount is in USD, not in EUR"])
        #expect(Self.differences { $0[1].categories = ["FR", "DE"] }.count == 1)
        #expect(Self.differences { $0[1].categories.append("IT") } == [], "codes keep their meaning")
        #expect(Self.differences { $0[0].range = 0...1 } == [], "rules are the version's own")
    }
}
