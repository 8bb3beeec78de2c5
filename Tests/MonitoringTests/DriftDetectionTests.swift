// Real rows through the real counters and the real monitor, under virtual time: healthy days raise no alert, and what goes
// wrong is found within five minutes.
//
//     a day's payments ── drawn with replacement ──► DriftCounters ──► readings ──► DriftMonitor ──► levels and changes
//
// A resampling is a walk over sixty healthy days, with one window of five minutes in each, at any time of the day and at any
// rate from the least that says something (1,000 rows a window) to 100 requests a second; the hour and the day around it are
// judged with it. SERIN_DRIFT_RESAMPLINGS says how many, 4 if it does not; 1,000 over all rows of sixty days take minutes:
//
//     python Tests/EndToEnd/harness/payments.py /tmp/payments.f32
//     SERIN_DRIFT_ROWS=/tmp/payments.f32 SERIN_DRIFT_RESAMPLINGS=1000 swift test --filter DriftDetectionTests
//
// Rows are drawn from a whole day, because a profile says what a whole day is like: payments of the night are others than
// those of noon (fewer shops, more screens), and windows of five minutes see that as the shift that it is.

import Foundation
import Primitives
import Testing

@testable import Monitoring

@Suite struct DriftDetectionTests {
    static let resamplings = ProcessInfo.processInfo.environment["SERIN_DRIFT_RESAMPLINGS"].flatMap { Int($0) } ?? 4
    static let daysWalked = 60
    static let ticksPerDay = 86_400 / DriftWindow.tickSeconds
    static let ticksPerWindow = 300 / DriftWindow.tickSeconds
    static let requestsPerSecond = 100

    static var thresholds: DriftThresholds {
        var thresholds = DriftThresholds()
        thresholds.silent = ["hour", "weekday"]
        return thresholds
    }

    /// Of windows of all lengths.
    struct Tally: Sendable {
        var windows = 0
        var warnings = 0
        var alerts: [String] = []

        mutating func add(_ other: Tally) {
            windows += other.windows
            warnings += other.warnings
            alerts += other.alerts
        }

        mutating func add(_ report: DriftReport, day: Int, seed: Int) {
            windows += 1
            if report.level == .warning { warnings += 1 }
            for finding in report.findings where finding.level == .alert && !finding.isSilent {
                alerts.append("seed \(seed), day \(day), \(report.window.rawValue): \(finding.name) \(finding.psi)")
            }
        }
    }

    /// One resampling.
    private static func walk(_ payments: Payments, seed: Int) -> Tally {
        var random = SplitMix64(seed: UInt64(seed))
        let counters = DriftCounters(payments.layout, reactors: 1)
        var monitor = DriftMonitor(payments.layout, thresholds)
        var tally = Tally()
        let most = Double(requestsPerSecond * 300)
        for day in 0..<daysWalked {
            let least = Double(monitor.thresholds.rowsMin)
            let rows = Int((least * pow(most / least, random.unit())).rounded(.up))
            payments.days[day % payments.days.count].draw(rows, into: counters.shards[0], &random)
            let time = UInt64(day + 1) * ticksPerDay + UInt64(random.below(Int(ticksPerDay)))
            _ = monitor.tick(time, counters.read())
            for window in DriftWindow.allCases { tally.add(monitor.report(window), day: day, seed: seed) }
        }
        return tally
    }

    @Test func healthyDaysRaiseNoAlert() async throws {
        let payments = try Payments.shipped.get()
        let workers = max(1, min(Self.resamplings, ProcessInfo.processInfo.activeProcessorCount))
        let tally = await withTaskGroup(of: Tally.self) { group in
            for worker in 0..<workers {
                group.addTask {
                    stride(from: worker, to: Self.resamplings, by: workers).reduce(into: Tally()) { tally, seed in
                        tally.add(Self.walk(payments, seed: seed))
                    }
                }
            }
            return await group.reduce(into: Tally()) { $0.add($1) }
        }
        #expect(tally.windows == Self.resamplings * Self.daysWalked * DriftWindow.allCases.count)
        #expect(tally.alerts.isEmpty, "\(tally.alerts.prefix(5))")
        #expect(tally.warnings * 100 <= tally.windows, "\(tally.warnings) of \(tally.windows) windows warn")
        print("drift: \(tally.alerts.count) alerts and \(tally.warnings) warnings in \(tally.windows) healthy windows")
    }

    /// After a full window of healthy rows; the ticks until the right variable is at alert, nil: it never is.
    private static func delay(
        of fault: DriftFault, _ payments: Payments, _ spoiled: PaymentPool, seed: Int
    ) -> (ticks: UInt64?, before: [DriftChange]) {
        var random = SplitMix64(seed: UInt64(seed))
        let counters = DriftCounters(payments.layout, reactors: 1)
        var monitor = DriftMonitor(payments.layout, thresholds)
        let rows = requestsPerSecond * Int(DriftWindow.tickSeconds)
        var before: [DriftChange] = []
        for tick in 1...ticksPerWindow {
            payments.days[0].draw(rows, into: counters.shards[0], &random)
            before += monitor.tick(tick, counters.read())
        }
        for tick in 1...ticksPerWindow {
            spoiled.draw(rows, into: counters.shards[0], &random)
            let changes = monitor.tick(ticksPerWindow + tick, counters.read())
            if changes.contains(where: { $0.name == fault.feature && $0.window == .fiveMinutes && $0.to == .alert }) {
                return (tick, before)
            }
        }
        return (nil, before)
    }

    @Test(arguments: DriftFault.allCases) func faultsAreFoundWithinAWindow(fault: DriftFault) throws {
        let payments = try Payments.shipped.get()
        let spoiled = try payments.spoiled(by: fault)
        var longest: UInt64 = 0
        for seed in 0..<max(1, Self.resamplings / 20) {
            let (ticks, before) = Self.delay(of: fault, payments, spoiled, seed: seed)
            #expect(before == [], "nothing has happened yet")
            longest = max(longest, try #require(ticks, "\(fault) is not found in five minutes, seed \(seed)"))
        }
        print("drift: \(fault) is at alert after \(longest * DriftWindow.tickSeconds) s of 300")
    }
}
