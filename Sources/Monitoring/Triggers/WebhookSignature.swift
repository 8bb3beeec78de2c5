// Signatures of webhooks as Standard Webhooks has them: whoever has the secret knows who wrote the body, and when.
//
//     signed     id ‖ "." ‖ seconds since 1970 ‖ "." ‖ body
//     headers    webhook-id, webhook-timestamp, webhook-signature: v1,BASE64(HMAC-SHA-256) …    one for each secret

public import Configuration
internal import Foundation
internal import Registry

public struct WebhookSecrets: Sendable, Equatable {
    public static let expectation = "whsec_ and base64 of 24 to 64 bytes, such as whsec_$(openssl rand -base64 32)"
    private static let linesMax = 4
    private let keys: [[UInt8]]

    /// Reads a file: a secret a line, the newest first.
    public init(file: String) throws(ConfigurationError) {
        try self.init(String(decoding: FileBytes.read(file, limit: 4096), as: UTF8.self), source: file)
    }

    init(_ text: String, source: String) throws(ConfigurationError) {
        var keys: [[UInt8]] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let secret = line.filter { !$0.isWhitespace }
            if secret.isEmpty { continue }
            guard secret.hasPrefix("whsec_"), let key = Data(base64Encoded: String(secret.dropFirst(6))),
                24...64 ~= key.count
            else {
                // The line is a secret, or was meant to be one: it is not repeated.
                throw ConfigurationError(source: source, line: index + 1, message: "expected \(Self.expectation)")
            }
            keys.append(Array(key))
        }
        guard 1...Self.linesMax ~= keys.count else {
            throw ConfigurationError(
                source: source,
                message: keys.isEmpty
                    ? "is empty; expected \(Self.expectation)" : "has more than \(Self.linesMax) secrets")
        }
        self.keys = keys
    }

    /// The three headers of a message.
    /// - Parameter seconds: since 1970.
    public func headers(id: String, seconds: Int64, body: String) -> [(String, String)] {
        let signed = Array("\(id).\(seconds).\(body)".utf8)
        let signatures = keys.map { "v1,\(Data(MessageCode.hmacSHA256(signed, key: $0)).base64EncodedString())" }
        return [
            ("webhook-id", id), ("webhook-timestamp", String(seconds)),
            ("webhook-signature", signatures.joined(separator: " ")),
        ]
    }
}
