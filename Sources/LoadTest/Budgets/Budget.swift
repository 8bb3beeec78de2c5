// What must hold: a selection of requests, a measure of them, and a bound; absolute, or as a multiple of a baseline that
// is measured in the same run.

/// What is measured of a selection.
public enum Measure: Sendable, Equatable, Hashable {
    case percentile(Double)
    case max
    case errors, timeouts, shed, faults, fallback
    case throughput
    case mismatches

    /// By the names of the scenario.
    public static let named: [(name: String, measure: Measure)] = [
        ("p50", .percentile(50)), ("p90", .percentile(90)), ("p95", .percentile(95)), ("p99", .percentile(99)),
        ("p99.9", .percentile(99.9)), ("max", .max), ("errors", .errors), ("timeouts", .timeouts), ("shed", .shed),
        ("faults", .faults), ("fallback", .fallback), ("throughput", .throughput), ("mismatches", .mismatches),
    ]

    public var name: String { Self.named.first { $0.measure == self }?.name ?? "p" }

    public enum Kind: Sendable { case latency, share, rate, count }

    public var kind: Kind {
        switch self {
        case .percentile, .max: .latency
        case .errors, .timeouts, .shed, .faults, .fallback: .share
        case .throughput: .rate
        case .mismatches: .count
        }
    }

    /// A budget is the least, not the most.
    public var isFloor: Bool { self == .throughput }
}

/// Which requests.
public struct Selection: Sendable, Equatable, Hashable {
    public var trafficClass: String
    /// nil: every phase.
    public var phase: String?
    /// nil: every version.
    public var version: String?

    public init(trafficClass: String, phase: String? = nil, version: String? = nil) {
        (self.trafficClass, self.phase, self.version) = (trafficClass, phase, version)
    }

    public var text: String {
        trafficClass + (phase.map { " in \($0)" } ?? "") + (version.map { ", version \($0)" } ?? "")
    }
}

public struct Budget: Sendable, Equatable {
    public enum Bound: Sendable, Equatable {
        /// Nanoseconds, a share of 1, requests a second, or a count.
        case absolute(Double)
        /// So many times the baseline's.
        case relative(Double, to: Selection)
    }

    public var selection: Selection
    public var measure: Measure
    public var bound: Bound

    public init(_ selection: Selection, _ measure: Measure, _ bound: Bound) {
        (self.selection, self.measure, self.bound) = (selection, measure, bound)
    }

    var baselineText: String {
        if case .relative(_, let baseline) = bound { baseline.text } else { "the baseline" }
    }

    /// `p99 of authorise in steady at most 10 ms`.
    public var text: String {
        let side = measure.isFloor ? "at least" : "at most"
        switch bound {
        case .absolute(let value): return "\(measure.name) of \(selection.text) \(side) \(measure.text(value))"
        case .relative(let factor, let baseline):
            return "\(measure.name) of \(selection.text) \(side) \(Text.number(factor)) x that of \(baseline.text)"
        }
    }
}

extension Measure {
    /// A value in its unit.
    public func text(_ value: Double) -> String {
        switch kind {
        case .latency: Text.time(value)
        case .share: Text.percent(value)
        case .rate: "\(Text.number((value * 10).rounded() / 10))/s"
        case .count: Text.number(value)
        }
    }
}
