// A load test as a value: who asks what, how often, for how long, what an operator does meanwhile, and what must hold.
//
//     targets ─┐
//     classes ─┼─ phases: for each class a load ──► requests
//     steps ───┘                                       │
//     budgets ◄──── latencies, errors, scores ─────────┘
//
// Everything is bounded before anything runs: phases have a duration, connections, streams and keys a largest number, and
// what is recorded has a size that does not grow with time (Record/).

internal import Configuration

public struct Scenario: Sendable, Equatable {
    /// The longest a whole scenario may last.
    public static let secondsMax = 86400.0
    public static let classesMax = 16
    public static let phasesMax = 32

    public var name: String
    public var about: String?
    /// By name; `default` is what classes without a target ask.
    public var targets: [String: Target]
    public var tls: TLSFiles
    /// The repository of bundles whose golden rows are sent and checked.
    public var models: String
    public var seed: UInt64
    public var classes: [TrafficClass]
    public var phases: [Phase]
    public var steps: [AdminStep]
    public var budgets: [Budget]
    /// Of the intervals that verdicts rest on.
    public var confidence: Double

    public var seconds: Double { phases.reduce(0) { $0 + $1.seconds } }
}

/// The client's side of TLS; nil: the system's authorities, no certificate.
public struct TLSFiles: Sendable, Equatable {
    public var authority: String?
    public var certificate: String?
    public var key: String?
    /// Whom the certificate must name; nil: the target's host.
    public var serverName: String?
}

/// Where requests go.
public struct Target: Sendable, Equatable, CustomStringConvertible {
    public var isSecure: Bool
    public var host: String
    public var port: UInt16

    public static let expectation = "a URL such as http://127.0.0.1:8080 or https://localhost:8443"

    /// nil: not `http://host:port` or `https://host:port`.
    public init?(_ text: String) {
        let scheme = ["http://", "https://"].first { text.hasPrefix($0) }
        guard let scheme else { return nil }
        isSecure = scheme == "https://"
        var rest = text.dropFirst(scheme.count)
        if rest.hasSuffix("/") { rest.removeLast() }
        guard !rest.isEmpty, rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") }) else {
            return nil
        }
        let isBracketed = rest.hasPrefix("[")
        let hostEnd = isBracketed ? rest.firstIndex(of: "]") : rest.firstIndex(of: ":") ?? rest.endIndex
        guard let hostEnd else { return nil }
        host = String(isBracketed ? rest[rest.index(after: rest.startIndex)..<hostEnd] : rest[..<hostEnd])
        let tail = isBracketed ? rest[rest.index(after: hostEnd)...] : rest[hostEnd...]
        if tail.isEmpty {
            port = isSecure ? 443 : 80
        } else {
            guard tail.hasPrefix(":"), let number = UInt16(tail.dropFirst()), number > 0 else { return nil }
            port = number
        }
        if host.isEmpty { return nil }
    }

    /// `host:port`, as the Host header has it.
    public var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    public var description: String { "\(isSecure ? "https" : "http")://\(authority)" }
}

/// Requests of one kind.
public struct TrafficClass: Sendable, Equatable {
    public enum API: String, Sendable, CaseIterable {
        case v1, v2, grpc, plain
    }

    public enum Check: String, Sendable, CaseIterable {
        case scores, status
    }

    public enum Rows: Sendable, Equatable {
        case golden
        case csv(String)
        /// A plain request's own body.
        case body(String)
    }

    public struct Keys: Sendable, Equatable {
        /// Also of a replay's recorded keys.
        static let headerDefault = "serin-key"

        public var header: String
        public var distinct: Int
        /// Zipf's exponent; nil: uniform.
        public var exponent: Double?
    }

    public struct Header: Sendable, Equatable {
        public var name: String
        public var value: String

        static let valueBytesMax = 1024
        static let valueExpectation = "visible ASCII, spaces and tabs only inside, at most \(valueBytesMax) bytes"

        /// Whether a text may stand as a header's value: it cannot end the line, so it cannot begin another header.
        static func isValue(_ text: String) -> Bool {
            func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
            let bytes = text.utf8
            guard let first = bytes.first, let last = bytes.last else { return true }
            return bytes.count <= valueBytesMax && !isBlank(first) && !isBlank(last)
                && bytes.allSatisfy { (0x21...0x7e).contains($0) || isBlank($0) }
        }
    }

    public var name: String
    public var target: String
    public var api: API
    public var model: String
    /// nil: the route decides.
    public var version: String?
    /// A plain request's own.
    public var path: String
    public var method: String
    /// 1 or 2.
    public var http: Int
    public var connections: Int
    /// The most requests in flight on a connection.
    public var streams: Int
    /// After it, from when the request was due, the client gives up.
    public var timeoutNanos: UInt64
    /// What the request says it may take; nil: nothing.
    public var deadlineNanos: UInt64?
    public var rows: Rows
    /// Rows in a request.
    public var batch: Int
    public var keys: Keys?
    public var headers: [Header]
    public var check: Check

    /// A deadline as a header says it: milliseconds over HTTP; for gRPC at most eight digits and a unit.
    /// - Returns: nil where no header can say it exactly.
    static func deadlineText(_ nanos: UInt64, _ api: API) -> String? {
        let (millis, rest) = nanos.quotientAndRemainder(dividingBy: 1_000_000)
        if rest == 0 { return api == .grpc ? "\(millis)m" : "\(millis)" }
        guard api == .grpc, nanos % 1000 == 0, nanos / 1000 <= 99_999_999 else { return nil }
        return "\(nanos / 1000)u"
    }
}

public struct Phase: Sendable, Equatable {
    public enum Load: Sendable, Equatable {
        case open(RateCurve, Arrivals.Spacing)
        case replay(Recording, speed: Double)
        /// So many users, each of which asks again `think` after its answer.
        case closed(users: Int, thinkNanos: UInt64)
    }

    public var name: String
    public var seconds: Double
    /// By class.
    public var loads: [String: Load]

    public var nanos: UInt64 { UInt64(seconds * 1e9) }
}

/// What is done on the admin plane while the load runs.
public struct AdminStep: Sendable, Equatable {
    public enum Action: Sendable, Equatable {
        case canary(model: String, version: String?, percent: Double)
        case change(model: String, version: String)
        case rollback(model: String)
        case load(model: String, version: String)
        case unload(model: String, version: String)
        case call(method: String, path: String, body: String?)
    }

    /// Since the first phase began.
    public var seconds: Double
    public var action: Action

    /// A few words, for the table and the page.
    public var text: String {
        switch action {
        case .canary(let model, let version, let percent):
            "canary \(model)\(version.map { "/\($0)" } ?? "") at \(Text.number(percent)) %"
        case .change(let model, let version): "switch \(model) to \(version)"
        case .rollback(let model): "roll back \(model)"
        case .load(let model, let version): "load \(model)/\(version)"
        case .unload(let model, let version): "unload \(model)/\(version)"
        case .call(let method, let path, _): "\(method) \(path)"
        }
    }
}
