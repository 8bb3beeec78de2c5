// serin_feedback_total: labels by what became of them.

import Monitoring
import Synchronization
import Telemetry

enum FeedbackOutcome: String, CaseIterable {
    case accepted, repeated, revised, superseded, refused
    /// The disk would not take it.
    case failed

    init(_ verdict: LabelVerdict) {
        switch verdict {
        case .accepted: self = .accepted
        case .revised: self = .revised
        case .repeated: self = .repeated
        case .superseded: self = .superseded
        case .contradiction: self = .refused
        }
    }
}

final class FeedbackCounters: Sendable {
    private let registry: MetricsRegistry
    private let counts = Mutex<[[String]: Int]>([:])

    init(_ registry: MetricsRegistry) { self.registry = registry }

    /// Makes the series of a version, and those of labels that name none.
    func declare(_ model: String, _ version: String) {
        for outcome in FeedbackOutcome.allCases {
            declare([model, version, outcome.rawValue])
            if outcome == .refused || outcome == .failed { declare([model, "", outcome.rawValue]) }
        }
    }

    private func declare(_ key: [String]) {
        let isNew = counts.withLock { counts in
            if counts[key] != nil { return false }
            counts[key] = 0
            return true
        }
        guard isNew else { return }
        // A reading takes no cell, so there is always room for one.
        try? registry.counter(
            "serin_feedback_total", "Labels by what became of them; without a version: those whose id names none.",
            labels: [("model", key[0]), ("version", key[1]), ("outcome", key[2])]
        ) { [self] in Double(counts.withLock { $0[key] ?? 0 }) }
    }

    func count(_ model: String, _ version: String, _ outcome: FeedbackOutcome, by count: Int) {
        let key = [model, version, outcome.rawValue]
        declare(key)
        counts.withLock { $0[key, default: 0] += count }
    }
}
