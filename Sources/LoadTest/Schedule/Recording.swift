// Recorded traffic, to be sent again: NDJSON, a request a line.
//
//     {"at":0.0125,"key":"card-17"}                                     a golden row, as the class says
//     {"at":0.0131,"key":"card-18","body":"{\"instances\":[[1,2]]}"}    a body of its own (HTTP only)
//
// `at`: seconds since the recording began, never less than the line before.

public import Configuration
internal import JSON

public struct Recording: Sendable, Equatable {
    public static let linesMax = 5_000_000
    static let bytesMax = 1 << 30
    static let secondsMax = 1e6

    public struct Entry: Sendable, Equatable {
        public var seconds: Double
        /// The sticky key; nil: as the class draws them.
        public var key: String?
        /// nil: a row of the class.
        public var body: String?
    }

    public let entries: [Entry]
    /// Seconds of its last request.
    public var seconds: Double { entries.last?.seconds ?? 0 }

    /// How many of its requests are due within a phase when it is replayed `speed` times as fast.
    func dueCount(speed: Double, within phaseNanos: UInt64) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].seconds / speed * 1e9 < Double(phaseNanos) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    public static func read(_ path: String) throws(ConfigurationError) -> Recording {
        try parse(FileBytes.read(path, limit: bytesMax), source: path)
    }

    public static func parse(_ bytes: [UInt8], source: String) throws(ConfigurationError) -> Recording {
        var entries: [Entry] = []
        var parser = JSONParser(maxBytes: max(bytes.count, 1))
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty {
            guard entries.count < linesMax else {
                throw ConfigurationError(source: source, message: "has more than \(linesMax) lines")
            }
            entries.append(
                try parse(Array(line), parser: &parser, after: entries.last?.seconds ?? 0, source, index + 1))
        }
        guard !entries.isEmpty else { throw ConfigurationError(source: source, message: "holds no request") }
        return Recording(entries: entries)
    }

    private static func parse(
        _ line: [UInt8], parser: inout JSONParser, after: Double, _ source: String, _ number: Int
    ) throws(ConfigurationError) -> Entry {
        func error(_ key: String, _ message: String) -> ConfigurationError {
            ConfigurationError(source: source, line: number, keyPath: key, message: message)
        }
        let root: JSONValue
        do { root = try parser.parse(copying: line) } catch {
            throw ConfigurationError(
                source: source, line: number, message: "is not JSON at byte \(error.offset): \(error.message)")
        }
        guard let object = root.asObject else { throw error("", "expected an object") }
        for member in object where !["at", "key", "body"].contains(member.name.asString ?? "") {
            throw error("", "unknown key \(quoted(member.name.asString ?? "")) (known here: at, key, body)")
        }
        guard let seconds = root["at"]?.asDouble, seconds >= after else {
            throw error("at", "expected seconds, not before the line above (\(after))")
        }
        guard seconds <= secondsMax else {
            throw error(
                "at",
                "expected at most \(Int(secondsMax)) seconds since the recording's begin; are these Unix times?")
        }
        func text(_ key: StaticString) throws(ConfigurationError) -> String? {
            guard let value = root[key] else { return nil }
            guard let text = value.asString else { throw error("\(key)", "expected a string") }
            return text
        }
        let key = try text("key")
        if let key, !TrafficClass.Header.isValue(key) {
            throw error("key", "expected \(TrafficClass.Header.valueExpectation), found \(quoted(key))")
        }
        return Entry(seconds: seconds, key: key, body: try text("body"))
    }
}
