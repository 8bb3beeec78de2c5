// The result as JSON, written and read again.

public import Configuration
internal import Foundation

public enum ResultJSON {
    static let bytesMax = 256 << 20

    public static func encode(_ result: LoadTestResult) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.nonConformingFloatEncodingStrategy = .throw
        guard let data = try? encoder.encode(result) else { preconditionFailure("results hold finite numbers") }
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    public static func read(_ path: String) throws(ConfigurationError) -> LoadTestResult {
        try decode(FileBytes.read(path, limit: bytesMax), source: path)
    }

    static func decode(_ bytes: [UInt8], source: String) throws(ConfigurationError) -> LoadTestResult {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let result: LoadTestResult
        do { result = try decoder.decode(LoadTestResult.self, from: Data(bytes)) } catch {
            throw ConfigurationError(source: source, message: "is no result of serin loadtest --json")
        }
        guard result.schema == LoadTestResult.schemaVersion else {
            throw ConfigurationError(
                source: source, keyPath: "schema",
                message: "expected \(LoadTestResult.schemaVersion), found \(result.schema)")
        }
        return result
    }
}
