// Signatures of webhooks against RFC 4231 and the example of Standard Webhooks.

import Configuration
import Registry
import Testing

@testable import Monitoring

@Suite struct WebhookSignatureTests {
    /// RFC 4231, test cases 1, 2 and 6 (a key longer than a block).
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0b, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func codesAreTheStandards(key: [UInt8], message: String, code: String) {
        #expect(Ed25519.hex(MessageCode.hmacSHA256(Array(message.utf8), key: key)) == code)
    }

    /// The example that implementations of Standard Webhooks share.
    @Test func signaturesAreTheStandards() throws {
        let secrets = try WebhookSecrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", source: "secret")
        let headers = secrets.headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", seconds: 1_614_265_330, body: #"{"test": 2432232314}"#)
        #expect(
            headers.map(\.1) == [
                "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ])
        #expect(headers.map(\.0) == ["webhook-id", "webhook-timestamp", "webhook-signature"])
    }

    /// While a secret is replaced both sign.
    @Test func eachSecretSigns() throws {
        let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n\nwhsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
        let signature = try WebhookSecrets(text, source: "secret").headers(id: "a", seconds: 1, body: "")[2].1
        let parts = signature.split(separator: " ")
        #expect(parts.count == 2 && parts.allSatisfy { $0.hasPrefix("v1,") } && parts[0] != parts[1])
    }

    @Test(arguments: [
        ("", "is empty"), ("hunter2", "expected whsec_"), ("whsec_????", "expected whsec_"),
        ("whsec_c2hvcnQ=", "expected whsec_"),
        (String(repeating: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", count: 5), "more than 4"),
    ])
    func badSecretsAreRefused(text: String, message: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try WebhookSecrets(text, source: "secret") }
        #expect(error?.description.contains(message) == true)
        #expect(error?.description.contains("hunter2") == false, "a secret is not repeated")
    }
}
