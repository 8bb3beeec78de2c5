// How loads of versions ended, counted by whichever thread loads.

import Synchronization
import Telemetry

final class LoadCounts: Sendable {
    enum Outcome: String, CaseIterable {
        /// The image came from the cache.
        case cached
        /// The model was compiled: it is new, or the cache could not be used.
        case compiled
        /// It stays out.
        case refused
    }

    private let cached = Atomic<Int>(0)
    private let compiled = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)

    init(_ registry: MetricsRegistry) throws(MetricsError) {
        for outcome in Outcome.allCases {
            try registry.counter(
                "serin_model_loads_total",
                "Loads of versions: from the cache of images, compiled, or refused.",
                labels: [("outcome", outcome.rawValue)]
            ) { [self] in count(outcome) }
        }
    }

    private func count(_ outcome: Outcome) -> Double {
        switch outcome {
        case .cached: Double(cached.load(ordering: .relaxed))
        case .compiled: Double(compiled.load(ordering: .relaxed))
        case .refused: Double(refused.load(ordering: .relaxed))
        }
    }

    func add(_ outcome: Outcome) {
        switch outcome {
        case .cached: cached.add(1, ordering: .relaxed)
        case .compiled: compiled.add(1, ordering: .relaxed)
        case .refused: refused.add(1, ordering: .relaxed)
        }
    }
}
