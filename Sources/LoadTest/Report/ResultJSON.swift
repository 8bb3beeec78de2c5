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
        guard result.isPossible else { throw ConfigurationError(source: source, message: "holds impossible numbers") }
        return result
    }
}

extension LoadTestResult {
    /// Every count and rate is one that a run can have, so none overflows where results are added up or shown.
    fileprivate var isPossible: Bool {
        let fields: [KeyPath<Counts, Int>] = [
            \.requests, \.answers, \.late, \.shed, \.timeouts, \.faults, \.fallback, \.mismatches, \.checked,
        ]
        var counts = groups.flatMap { group in fields.map { group.counts[keyPath: $0] } }
        counts += sending.flatMap { [$0.scheduled, $0.sent] } + reasons.map(\.count)
        counts += timelines.flatMap { $0.slices.flatMap { [$0.answers, $0.errors] } }
        let entries = groups.flatMap(\.histogram)
        var rates = groups.flatMap { [$0.throughput, $0.latency?.mean ?? 0] } + entries.flatMap { $0 }
        rates += sending.flatMap { [$0.scheduledRate, $0.reachedRate] }
        return counts.allSatisfy { (0...(1 << 50)).contains($0) } && rates.allSatisfy { (0...1e13).contains($0) }
            && entries.allSatisfy { $0.count == 2 }
    }
}
