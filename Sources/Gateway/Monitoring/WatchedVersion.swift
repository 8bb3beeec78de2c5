// A served version's drift: its counters, and while it is a candidate, the same requests in the stable version's bins.
//
//     answered by the canary ─┬─► its own bins            against its own training
//                             └─► the stable one's bins   against what the stable version sees now
//
// Counted is a model's own traffic, answered by the version itself: no pinned or overridden requests, no fallbacks.

import Configuration
import Inference
import Monitoring
import Primitives
import Registry
import Synchronization
import Telemetry

/// Where a version's requests are counted, in plain words: nil: nowhere.
struct DriftEntry {
    var own: UnsafePointer<DriftShard>?
    var beside: UnsafePointer<DriftShard>?

    static var none: DriftEntry { DriftEntry() }
}

// SAFETY: written in init, but for what a mutex guards.
final class WatchedVersion: @unchecked Sendable {
    let counters: DriftCounters
    /// By reactor, for the data plane.
    private let shards: UnsafeMutablePointer<DriftShard>
    let gauges: DriftGauges
    private let monitor: Mutex<DriftMonitor>
    private let beside = Mutex<Beside?>(nil)
    private let reactors: Int

    /// Counting in the bins of another version.
    private struct Beside {
        var stable: WatchedVersion
        var counters: DriftCounters
        var shards: UnsafeMutablePointer<DriftShard>
        var monitor: DriftMonitor
    }

    /// nil: the bundle has no profile, or nobody wants to know.
    init?(
        _ bundle: LoadedBundle, _ settings: DriftConfiguration, reactors: Int, _ registry: MetricsRegistry
    ) throws(MetricsError) {
        guard settings.isOn, let profile = bundle.profile, profile.scores.count == bundle.output.columns else {
            return nil
        }
        let layout = DriftLayout(profile, bundle.input.features)
        var thresholds = DriftThresholds()
        (thresholds.warning, thresholds.alert) = (settings.warning, settings.alert)
        (thresholds.rowsMin, thresholds.silent) = (settings.rowsMin, settings.silent)
        self.reactors = reactors
        counters = DriftCounters(layout, reactors: reactors)
        shards = Self.table(counters)
        monitor = Mutex(DriftMonitor(layout, thresholds))
        gauges = try DriftGauges(registry, model: bundle.name, version: bundle.version, layout: layout)
    }

    deinit {
        shards.deallocate()
        beside.withLock { $0?.shards.deallocate() }
    }

    private static func table(_ counters: DriftCounters) -> UnsafeMutablePointer<DriftShard> {
        let shards = UnsafeMutablePointer<DriftShard>.allocate(capacity: max(counters.shards.count, 1))
        shards.initialize(from: counters.shards, count: counters.shards.count)
        return shards
    }

    var entry: DriftEntry { DriftEntry(own: UnsafePointer(shards), beside: nil) }

    /// As the candidate beside a stable version. Its counters are made once: an older snapshot may still count in them.
    func entry(beside stable: WatchedVersion) -> DriftEntry {
        beside.withLock { beside in
            if beside == nil {
                let counters = DriftCounters(stable.counters.layout, reactors: reactors)
                let monitor = DriftMonitor(stable.counters.layout, self.monitor.withLock { $0.thresholds })
                beside = Beside(stable: stable, counters: counters, shards: Self.table(counters), monitor: monitor)
            }
            guard let beside, beside.stable === stable else { return entry }
            return DriftEntry(own: UnsafePointer(shards), beside: UnsafePointer(beside.shards))
        }
    }

    /// Takes what was counted since the last tick; what has changed.
    func tick(_ tick: UInt64) -> [DriftChange] {
        let changes = monitor.withLock { $0.tick(tick, counters.read()) }
        beside.withLock { beside in
            if let readings = beside?.counters.read() { _ = beside?.monitor.tick(tick, readings) }
        }
        let (reports, scores) = monitor.withLock { monitor in
            (DriftWindow.allCases.map { monitor.report($0) }, monitor.scoreTotals)
        }
        gauges.show(reports, scores: scores, sum: counters.sum(score: 0))
        return changes
    }

    /// What a window says; with the index against the stable version's traffic, where this one is its candidate.
    func report(_ window: DriftWindow) -> DriftReport {
        var report = monitor.withLock { $0.report(window) }
        let compared = beside.withLock { beside in
            beside.map { ($0.stable, $0.monitor.counts(window)) }
        }
        guard let (stable, mine) = compared else { return report }
        let theirs = stable.monitor.withLock { $0.counts(window) }
        let distances = stable.counters.layout.distances(mine, theirs)
        for index in report.findings.indices {
            report.findings[index].psiToStable = distances[report.findings[index].name]
        }
        return report
    }
}

extension Snapshot {
    /// Writes into the table where each version's requests are counted for drift.
    static func watch(
        _ models: [ListedModel], _ versions: ServedVersions, _ table: UnsafeMutablePointer<VersionEntry>
    ) {
        for model in models {
            let stable = model.stable.flatMap { versions[$0].watched }
            for slot in model.versions {
                guard let watched = versions[slot].watched else { continue }
                let isCandidate = model.route.canary?.version == versions[slot].version
                if isCandidate, let stable, stable !== watched {
                    (table + slot).pointee.drift = watched.entry(beside: stable)
                } else {
                    (table + slot).pointee.drift = watched.entry
                }
            }
        }
    }
}
