// One version's drift: readings of its counters in, reports and changes of level out. A pure value; time is a tick.
//
//     readings ─► less the last ones ─► three windows ─► findings of each variable ─► levels
//                                                            └─► a window without any: the healthy one to compare with

public struct DriftMonitor: Sendable {
    public let layout: DriftLayout
    public let thresholds: DriftThresholds
    private var rings: [CountRing]
    /// What each shard had at the last tick; empty: there was none.
    private var last: [[UInt32]] = []
    /// Of each window: its counts when it was last healthy, and when.
    private var healthy: [[UInt64]?]
    private var healthyAt: [UInt64]
    private var levels: [[DriftLevel]]
    /// Since it was loaded.
    private var totals: [UInt64]

    public init(_ layout: DriftLayout, _ thresholds: DriftThresholds) {
        (self.layout, self.thresholds) = (layout, thresholds)
        rings = DriftWindow.allCases.map { CountRing($0, cells: layout.cellCount) }
        totals = Array(repeating: 0, count: layout.cellCount)
        healthy = rings.map { _ in nil }
        healthyAt = rings.map { _ in 0 }
        levels = rings.map { _ in Array(repeating: .unknown, count: layout.variables.count) }
    }

    /// Takes what the shards hold now; what has changed, of variables that are not silent.
    public mutating func tick(_ tick: UInt64, _ readings: [[UInt32]]) -> [DriftChange] {
        var counts = [UInt32](repeating: 0, count: layout.cellCount)
        for (shard, reading) in readings.enumerated() {
            for cell in reading.indices {
                counts[cell] &+= reading[cell] &- (last.isEmpty ? 0 : last[shard][cell])
            }
        }
        last = readings
        for cell in counts.indices { totals[cell] += UInt64(counts[cell]) }
        var changes: [DriftChange] = []
        for (index, window) in DriftWindow.allCases.enumerated() {
            rings[index].add(counts, tick: tick)
            let report = report(window)
            keepHealthy(index, report, tick)
            for (variable, finding) in report.findings.enumerated() where levels[index][variable] != finding.level {
                let from = levels[index][variable]
                levels[index][variable] = finding.level
                // That there are enough rows, or no more, is no news by itself.
                if finding.isSilent || max(from, finding.level) < .warning { continue }
                changes.append(
                    DriftChange(window: window, name: finding.name, from: from, to: finding.level, psi: finding.psi))
            }
        }
        return changes
    }

    private mutating func keepHealthy(_ index: Int, _ report: DriftReport, _ tick: UInt64) {
        guard report.level == .none else { return }
        guard healthy[index] == nil || tick >= healthyAt[index] + report.window.ticks else { return }
        (healthy[index], healthyAt[index]) = (rings[index].total, tick)
    }

    /// The counts of a window, by cell.
    public func counts(_ window: DriftWindow) -> [UInt64] { rings[Self.index(window)].total }

    private static func index(_ window: DriftWindow) -> Int { DriftWindow.allCases.firstIndex(of: window) ?? 0 }

    /// The score's rows in each bin, those outside first and last, since it was loaded; empty: it has several.
    public var scoreTotals: [UInt64] {
        guard layout.scores.count == 1, let score = layout.scores.first else { return [] }
        return score.bins(of: totals)
    }

    /// What a window says.
    public func report(_ window: DriftWindow) -> DriftReport {
        let index = Self.index(window)
        let findings = layout.variables.map { variable in
            finding(variable, rings[index].total, healthy[index])
        }
        return DriftReport(
            window: window, rows: findings.first.map { $0.counts.reduce(0, +) } ?? 0,
            level: findings.filter { !$0.isSilent }.map(\.level).max() ?? .unknown, findings: findings)
    }

    private func finding(
        _ variable: DriftVariable, _ counts: [UInt64], _ healthy: [UInt64]?
    ) -> DriftFinding {
        let live = variable.bins(of: counts)
        let rows = live.reduce(0, +)
        let trained = variable.reference.reduce(0, +)
        func share(_ count: UInt64, _ of: UInt64) -> Double { of == 0 ? 0 : Double(count) / Double(of) }
        let psi = DriftDistance.psi(live, variable.reference)
        return DriftFinding(
            name: variable.name, isScore: variable.isScore,
            isSilent: !variable.isScore && thresholds.silent.contains(variable.name), psi: psi,
            jensenShannon: DriftDistance.jensenShannon(live, variable.reference),
            psiToHealthy: healthy.map { DriftDistance.psi(live, variable.bins(of: $0)) },
            missing: share(variable.missingBin.map { live[$0] } ?? 0, rows),
            outOfRange: share(variable.outOfRange(of: counts), rows),
            unseen: share(variable.unseenBin.map { live[$0] } ?? 0, rows),
            missingBefore: share(variable.missingBin.map { variable.reference[$0] } ?? 0, trained),
            level: thresholds.level(psi, rows: rows), counts: live, reference: variable.reference)
    }
}
