// Versions that arrived in the repository, and what became of each.

import State

enum ArrivalOutcome: String, Sendable, CaseIterable {
    /// It was there before anybody looked.
    case known
    /// Some of its files are not there yet.
    case incomplete
    case loaded
    /// It cannot be rolled out now; it is tried again.
    case waiting
    case started
    /// It did not pass the gate; it is tried again when its files change.
    case refused
    case passedOver = "passed-over"

    /// Nothing comes of it any more.
    var isFinal: Bool { self == .known || self == .loaded || self == .started || self == .passedOver }
    /// A restart must know it.
    var isStored: Bool { isFinal || self == .refused }

    /// As the metric has it.
    var label: String { self == .passedOver ? "passed_over" : rawValue }
}

struct ArrivalTable {
    /// False: another process looks at the repository, or what is known is not restored yet.
    var isOpen = false
    /// By model and version.
    var rows: [String: [String: StateStore.ArrivalRow]] = [:]
    /// What the last look found, by `model/version`.
    var seen: [String: String] = [:]
    var counters: [String: OutcomeCounters] = [:]

    func outcome(_ model: String, _ version: String) -> ArrivalOutcome? {
        rows[model]?[version].flatMap { ArrivalOutcome(rawValue: $0.outcome) }
    }
}
