import Testing

@testable import Monitoring

@Suite struct DriftMonitorTests {
    /// Every second what the training has, in its proportions, `rows` of it.
    private func healthy(_ layout: DriftLayout, rows: Int) -> [UInt32] {
        var counts = [UInt32](repeating: 0, count: layout.cellCount)
        for variable in layout.variables {
            let total = variable.reference.reduce(0, +)
            for (bin, reference) in variable.reference.enumerated() {
                guard let cell = variable.bins.firstIndex(of: bin) else { continue }
                counts[variable.cells.lowerBound + cell] = UInt32(UInt64(rows) * reference / total)
            }
        }
        return counts
    }

    private func added(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] { zip(left, right).map { $0 &+ $1 } }

    @Test func windowsForgetWhatIsTooOld() throws {
        for window in DriftWindow.allCases {
            var ring = CountRing(window, cells: 2)
            let start: UInt64 = 1_000_000 * window.ticksPerSlot
            ring.add([5, 1], tick: start)
            ring.add([7, 0], tick: start + window.ticksPerSlot)
            #expect(ring.total == [12, 1])
            ring.add([0, 0], tick: start + window.ticks - 1)
            #expect(ring.total == [12, 1], "a window is not shorter than it says")
            ring.add([1, 0], tick: start + window.ticks)
            #expect(ring.total == [8, 0])
            ring.expire(tick: start + 3 * window.ticks)
            #expect(ring.total == [0, 0])
        }
    }

    @Test func countersMayWrap() throws {
        let layout = try Sample.layout()
        var monitor = DriftMonitor(layout, DriftThresholds())
        var reading = [UInt32](repeating: .max - 1, count: layout.cellCount)
        _ = monitor.tick(10, [reading])
        let before = monitor.counts(.hour)
        reading = reading.map { $0 &+ 5 }
        _ = monitor.tick(11, [reading])
        #expect(zip(monitor.counts(.hour), before).allSatisfy { $0 - $1 == 5 })
    }

    @Test func levelsComeAndGo() throws {
        let layout = try Sample.layout()
        var thresholds = DriftThresholds()
        thresholds.silent = ["hour"]
        var monitor = DriftMonitor(layout, thresholds)
        var reading = healthy(layout, rows: 2000)
        #expect(monitor.tick(100, [reading]) == [])
        #expect(monitor.report(.fiveMinutes).level == .none && monitor.report(.day).rows == 2000)
        // Every amount is missing, every hour is one.
        var fault = healthy(layout, rows: 3000)
        for variable in layout.variables.prefix(2) {
            for cell in variable.cells { fault[cell] = 0 }
            fault[variable.cells.upperBound - 1] = 3000
        }
        reading = added(reading, fault)
        let changes = monitor.tick(101, [reading])
        #expect(Set(changes.map(\.name)) == ["amount"] && changes.count == 3)
        #expect(changes.allSatisfy { $0.from == .none && $0.to == .alert && $0.psi > 0.25 })
        let finding = monitor.report(.fiveMinutes).findings[0]
        #expect(finding.missing == 0.604 && finding.missingBefore == 0.01 && (finding.psiToHealthy ?? 0) > 0.25)
        #expect(monitor.report(.fiveMinutes).findings[1].isSilent)
        // An empty window says nothing; a healthy one that it is over.
        let quiet = monitor.tick(100 + 200, [reading])
        #expect(quiet.map(\.window) == [.fiveMinutes] && quiet.map(\.to) == [.unknown])
        #expect(monitor.report(.hour).level == .alert)
    }

    @Test func tooFewRowsSayNothing() throws {
        let layout = try Sample.layout()
        var monitor = DriftMonitor(layout, DriftThresholds())
        var reading = [UInt32](repeating: 0, count: layout.cellCount)
        reading[layout.variables[0].cells.lowerBound] = 999
        #expect(monitor.tick(1, [reading]) == [] && monitor.report(.hour).level == .unknown)
        reading[layout.variables[0].cells.lowerBound] = 1000
        #expect(monitor.tick(2, [reading]).isEmpty == false)
    }
}
