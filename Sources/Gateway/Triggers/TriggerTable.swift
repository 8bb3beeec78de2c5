// The triggers of a gateway, by model.

import Configuration
import Monitoring

struct ActiveTrigger {
    static let outcomes = ["fired", "delivered", "failed", "given_up"]

    let settings: TriggerConfiguration
    var machine: TriggerMachine
    let counters: OutcomeCounters
    /// What meets its condition now.
    var finding: TriggerFinding?
    /// Its firing is being written.
    var isStoring = false
    /// An attempt is under way.
    var isInFlight = false
}

struct TriggerTable {
    /// False: another process has them, or they are not restored yet.
    var isOpen = false
    var models: [String: [ActiveTrigger]] = [:]
    /// By `model/version`.
    var meters: [String: RefusalMeter] = [:]

    func index(_ model: String, _ name: String) -> Int? { models[model]?.firstIndex { $0.settings.name == name } }
}

extension TriggerConfiguration {
    var kind: TriggerFinding.Kind {
        switch condition {
        case .drift: .drift
        case .metric: .accuracy
        case .labelDelay: .labelDelay
        case .violations: .violations
        }
    }
}
