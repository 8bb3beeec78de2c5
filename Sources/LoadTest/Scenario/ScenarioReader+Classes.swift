// Classes of a scenario.

internal import Configuration

extension ScenarioReader {
    private static let classFields = [
        "name", "target", "api", "model", "version", "path", "method", "body", "http", "connections", "streams",
        "timeout", "deadline", "rows", "batch", "keys", "headers", "check",
    ]

    static func readClass(
        _ value: YAMLValue, targets: [String: Target]
    ) throws(ConfigurationError) -> TrafficClass {
        let fields = try value.fields(classFields)
        let api: TrafficClass.API = try fields["api"]?.choice() ?? .v2
        var entry = TrafficClass(
            name: try readName(fields.required("name")), target: try fields["target"]?.text() ?? "default", api: api,
            model: "", version: nil, path: "/", method: "POST", http: 2, connections: 8, streams: 100,
            timeoutNanos: 1_000_000_000, deadlineNanos: nil, rows: .golden, batch: 1, keys: nil, headers: [],
            check: api == .plain ? .status : .scores)
        guard targets[entry.target] != nil else {
            throw (fields["target"] ?? value).error(
                entry.target == "default"
                    ? "no target: the scenario needs the key target, or --target"
                    : "unknown target (known here: \(targets.keys.sorted().joined(separator: ", ")))")
        }
        try readRequest(fields, into: &entry)
        try readConnections(fields, into: &entry)
        if let timeout = fields["timeout"] { entry.timeoutNanos = try timeout.nanos(in: 1_000_000...600_000_000_000) }
        if let deadline = fields["deadline"] {
            let nanos = try deadline.nanos(in: 1_000_000...600_000_000_000)
            guard TrafficClass.deadlineText(nanos, api) != nil else {
                throw deadline.expected(
                    api == .grpc
                        ? "whole microseconds, and whole milliseconds above 99s, as grpc-timeout says them"
                        : "whole milliseconds, as serin-timeout-ms says them")
            }
            entry.deadlineNanos = nanos
        }
        if let keys = fields["keys"] { entry.keys = try readKeys(keys) }
        for (name, value) in try fields["headers"]?.entries() ?? [] {
            let header = try readHeader(name, value)
            try refuseDouble(header, value, entry)
            entry.headers.append(header)
        }
        return entry
    }

    private static let deadlineHeaders = ["serin-timeout-ms", "grpc-timeout"]

    /// A header that something else sets, or that stands twice: a request would carry both.
    private static func refuseDouble(
        _ header: TrafficClass.Header, _ value: YAMLValue, _ entry: TrafficClass
    ) throws(ConfigurationError) {
        if header.name == "content-type", entry.api != .plain {
            throw value.error("api \(entry.api) sets it; only api plain takes its own")
        }
        if deadlineHeaders.contains(header.name), entry.deadlineNanos != nil {
            throw value.error("the key deadline sets it; one of the two is too much")
        }
        if header.name == entry.keys?.header { throw value.error("the key keys sets it; one of the two is too much") }
        if entry.headers.contains(where: { $0.name == header.name }) {
            throw value.error("\(header.name) stands twice: case makes no difference in a header's name")
        }
    }

    static func readName(_ value: YAMLValue) throws(ConfigurationError) -> String {
        let name = try value.text("a name")
        let isFine = name.utf8.allSatisfy { byte in
            (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a) || (byte >= 0x30 && byte <= 0x39)
                || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
        }
        guard isFine, 1...64 ~= name.utf8.count else {
            throw value.expected("a name of letters, digits, dots, hyphens and underscores, at most 64")
        }
        return name
    }

    private static func readRequest(
        _ fields: YAMLFields, into entry: inout TrafficClass
    ) throws(ConfigurationError) {
        let isPlain = entry.api == .plain
        for key in isPlain ? ["model", "version", "rows", "batch"] : ["path", "method", "body"] {
            if let value = fields[key] {
                throw value.error("belongs to \(isPlain ? "api v1, v2 and grpc" : "api plain"), not to \(entry.api)")
            }
        }
        if isPlain {
            entry.path = try fields.required("path").text()
            guard entry.path.hasPrefix("/"), entry.path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
                throw try fields.required("path").expected("a path such as /v2")
            }
            entry.method = try fields["method"]?.choice(of: Method.allCases).rawValue ?? "GET"
            entry.rows = .body(try fields["body"]?.text() ?? "")
        } else {
            entry.model = try fields.required("model").text()
            entry.version = try fields["version"]?.text()
            if let rows = fields["rows"] { entry.rows = try readRows(rows) }
            if let batch = fields["batch"] { entry.batch = try batch.integer(in: 1...1024) }
        }
        if let check = fields["check"] {
            entry.check = try check.choice()
            if isPlain && entry.check == .scores { throw check.error("a plain request's answer holds no score") }
        }
    }

    private enum Method: String, CaseIterable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case head = "HEAD"
        case delete = "DELETE"
    }

    private static func readRows(_ value: YAMLValue) throws(ConfigurationError) -> TrafficClass.Rows {
        if value.isMapping { return .csv(try value.fields(["csv"]).required("csv").text()) }
        guard try value.text() == "golden" else { throw value.expected("golden, or {csv: FILE}") }
        return .golden
    }

    private static func readConnections(
        _ fields: YAMLFields, into entry: inout TrafficClass
    ) throws(ConfigurationError) {
        if let http = fields["http"] { entry.http = try http.integer(in: 1...2) }
        if entry.http == 1, entry.api == .grpc {
            throw (fields["http"] ?? fields.owner).error("gRPC is spoken over HTTP/2 only")
        }
        if let connections = fields["connections"] { entry.connections = try connections.integer(in: 1...10000) }
        if entry.http == 1 { entry.streams = 1 }
        if let streams = fields["streams"] {
            entry.streams = try streams.integer(in: 1...10000)
            if entry.http == 1, entry.streams != 1 {
                throw streams.error("a connection of HTTP/1.1 has one request at a time; give it more connections")
            }
        }
        guard entry.connections * entry.streams <= 200_000 else {
            throw fields.owner.error("connections x streams: expected at most 200000 requests in flight")
        }
    }

    private static func readKeys(_ value: YAMLValue) throws(ConfigurationError) -> TrafficClass.Keys {
        let fields = try value.fields(["header", "distinct", "distribution", "exponent"])
        enum Distribution: String, CaseIterable { case uniform, zipf }
        let distribution: Distribution = try fields["distribution"]?.choice() ?? .uniform
        var exponent: Double? = distribution == .zipf ? 1 : nil
        if let given = fields["exponent"] {
            guard distribution == .zipf else { throw given.error("belongs to distribution zipf") }
            exponent = try number(given, in: 0.1...5, "an exponent from 0.1 to 5")
        }
        let text = try fields["header"]?.text() ?? TrafficClass.Keys.headerDefault
        let header = try readHeader(text, fields["header"] ?? fields.owner, value: "").name
        guard header != "content-type", !deadlineHeaders.contains(header) else {
            throw (fields["header"] ?? fields.owner).error("\(header) carries no key")
        }
        return TrafficClass.Keys(
            header: header,
            distinct: try fields.required("distinct").integer(in: 1...1_000_000), exponent: exponent)
    }

    private static func readHeader(
        _ name: String, _ value: YAMLValue, value given: String? = nil
    ) throws(ConfigurationError) -> TrafficClass.Header {
        let isToken = name.utf8.allSatisfy { byte in
            (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2d
                || byte == 0x5f
        }
        let reserved = ["host", "content-length", "connection", "transfer-encoding", "te", "upgrade"]
        guard isToken, !name.isEmpty, !reserved.contains(name.lowercased()) else {
            throw value.error("\(quoted(name)) cannot be set: expected a header of the request's own")
        }
        let text = if let given { given } else { try value.text() }
        guard TrafficClass.Header.isValue(text) else { throw value.expected(TrafficClass.Header.valueExpectation) }
        return TrafficClass.Header(name: name.lowercased(), value: text)
    }
}
