// Documents to JSON and back, keys in order, so that the same document is the same bytes.

internal import Foundation

public enum AdminJSON {
    public static func encode<Document: Encodable>(_ document: Document, pretty: Bool = false) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        guard let data = try? encoder.encode(document) else { preconditionFailure("documents are JSON") }
        return String(decoding: data, as: UTF8.self)
    }

    /// Throws `.badRequest` with the place that is wrong.
    public static func decode<Document: Decodable>(
        _ type: Document.Type, _ bytes: [UInt8]
    ) throws(AdminProblem) -> Document {
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch let error as DecodingError {
            throw AdminProblem(.badRequest, text(error))
        } catch {
            throw AdminProblem(.badRequest, "the body is not JSON")
        }
    }

    private static func text(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
            let path = (context.codingPath + [key].compactMap { $0 }).map { key in
                key.intValue.map { "[\($0)]" } ?? key.stringValue
            }
            return path.isEmpty ? "the body" : path.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(place(context, key)): is missing"
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            return "\(place(context)): expected \(word(type))"
        case .dataCorrupted(let context):
            let isJSON = !context.debugDescription.contains("not valid JSON")
            return isJSON ? "\(place(context)): \(context.debugDescription)" : "the body is not JSON"
        @unknown default: return "the body cannot be read"
        }
    }

    private static func word(_ type: Any.Type) -> String {
        switch type {
        case is String.Type: "text"
        case is Bool.Type: "true or false"
        case is Double.Type, is Int.Type, is Int64.Type, is UInt64.Type: "a number"
        default: "another kind of value"
        }
    }
}

/// Instants as RFC 3339 in UTC, to the millisecond.
public enum Timestamp {
    /// `millis`: since 1970.
    public static func text(_ millis: Int64) -> String {
        Date(timeIntervalSince1970: Double(millis) / 1000).ISO8601Format(
            .init(includingFractionalSeconds: true))
    }

    /// Milliseconds since 1970; nil: not such an instant.
    public static func millis(_ text: String) -> Int64? {
        let styles = [Date.ISO8601FormatStyle(includingFractionalSeconds: true), .init()]
        for style in styles {
            if let date = try? style.parse(text) { return Int64((date.timeIntervalSince1970 * 1000).rounded()) }
        }
        return nil
    }
}
