import Foundation
import Primitives
import Testing

@testable import LoadTest

@Suite struct BudgetTests {
    static let selection = Selection(trafficClass: "pay", phase: "steady")

    /// A record whose class `pay` (and `rest`, as a baseline) answers as told.
    static func record(
        requests: Int = 5000, latency: (Int) -> Double, baseline: ((Int) -> Double)? = nil,
        outcome: (Int) -> Counts = { _ in answer }
    ) throws -> RunRecord {
        var record = RunRecord(try ScenarioReaderTests.read(ScenarioReaderTests.good))
        for index in 0..<requests {
            let due = 10 * Double(index) / Double(requests)
            record.record(
                trafficClass: 0, phase: 0, version: 0, due: due, outcome(index), latency: UInt64(latency(index) * 1e9))
            if let baseline {
                record.record(
                    trafficClass: 1, phase: 0, version: 0, due: due, answer, latency: UInt64(baseline(index) * 1e9))
            }
        }
        return record
    }

    static var answer: Counts {
        var counts = Counts()
        (counts.requests, counts.answers) = (1, 1)
        return counts
    }

    static func verdict(_ record: RunRecord, _ measure: Measure, _ bound: Budget.Bound) -> Verdict {
        BudgetJudge(record: record, confidence: 0.99, redraws: 400).judge(Budget(selection, measure, bound))
    }

    /// An exponential's quantiles in a scattered order: p99 is 4.6 times the mean.
    static func exponential(_ index: Int, mean: Double) -> Double {
        -log(1 - (Double(index &* 7919 % 5000) + 0.5) / 5000) * mean
    }

    @Test func percentilesHaveThreeVerdicts() throws {
        let record = try Self.record { Self.exponential($0, mean: 0.001) }
        #expect(Self.verdict(record, .percentile(99), .absolute(6e6)).outcome == .pass)
        #expect(Self.verdict(record, .percentile(99), .absolute(3.5e6)).outcome == .broken)
        let open = Self.verdict(record, .percentile(99), .absolute(4.65e6))
        #expect(open.outcome == .inconclusive)
        #expect(open.reason.contains("confidence"))
    }

    @Test func fewRequestsDecideLittle() throws {
        let record = try Self.record(requests: 100) { _ in 0.001 }
        // None of 100 was slower than 5 ms, and that does not show that at most one in a thousand is.
        let open = Self.verdict(record, .percentile(99.9), .absolute(5e6))
        #expect(open.outcome == .inconclusive)
        #expect(try #require(open.moreSeconds) > 500)
        #expect(Self.verdict(record, .percentile(90), .absolute(5e6)).outcome == .pass)
    }

    @Test func sharesAndFacts() throws {
        let record = try Self.record(
            latency: { _ in 0.001 },
            outcome: { index in
                var counts = Self.answer
                if index % 100 == 0 { (counts.answers, counts.faults) = (0, 1) }
                if index == 17 { (counts.checked, counts.mismatches) = (1, 1) }
                return counts
            })
        #expect(Self.verdict(record, .errors, .absolute(0.02)).outcome == .pass)
        #expect(Self.verdict(record, .errors, .absolute(0.003)).outcome == .broken)
        #expect(Self.verdict(record, .errors, .absolute(0)).outcome == .broken)
        #expect(Self.verdict(record, .timeouts, .absolute(0)).outcome == .pass)
        #expect(Self.verdict(record, .mismatches, .absolute(0)).outcome == .broken)
        #expect(Self.verdict(record, .mismatches, .absolute(1)).outcome == .pass)
        #expect(Self.verdict(record, .throughput, .absolute(490)).outcome == .pass)
        #expect(Self.verdict(record, .throughput, .absolute(600)).outcome == .broken)
        #expect(Self.verdict(record, .max, .absolute(2e6)).outcome == .pass)
        #expect(Self.verdict(record, .max, .absolute(0.9e6)).outcome == .broken)
    }

    @Test func nothingSentIsNoPass() throws {
        let record = RunRecord(try ScenarioReaderTests.read(ScenarioReaderTests.good))
        #expect(Self.verdict(record, .percentile(99), .absolute(1e9)).outcome == .unjudged)
        let unread = try Self.record { _ in 0.001 }
        #expect(Self.verdict(unread, .mismatches, .absolute(0)).outcome == .unjudged)
    }

    @Test func aLateGeneratorIsNoFindingAboutTheServer() throws {
        var record = try Self.record { _ in 0.05 }
        #expect(Self.verdict(record, .percentile(99), .absolute(10e6)).outcome == .broken)
        record.send(0, 0) { sending in
            for _ in 0..<1000 { sending.lateness.record(due: 0, Counts(), latency: 45_000_000) }
        }
        let late = Self.verdict(record, .percentile(99), .absolute(10e6))
        #expect(late.outcome == .inconclusive)
        #expect(late.reason.contains("the generator itself was late"))
        // Without the lateness it would be too slow all the same.
        #expect(Self.verdict(record, .percentile(99), .absolute(4e6)).outcome == .broken)
    }

    // MARK: Against a baseline

    static let rest = Selection(trafficClass: "rest", phase: "steady")

    /// One in thirty is a hundred times as slow: twenty requests often show none of them.
    @Test func fewRequestsDoNotConfirmARatio() throws {
        for seed in 0..<20 {
            var random = SplitMix64(seed: UInt64(seed))
            let record = try Self.record(requests: 20) { _ in
                random.next() % 30 == 0 ? 0.1 : 0.001
            } baseline: {
                _ in
                0.001
            }
            let verdict = Self.verdict(record, .percentile(99), .relative(10, to: Self.rest))
            #expect(verdict.outcome != .pass)
            #expect(verdict.outcome == .broken || verdict.moreSeconds ?? 0 > 100, "\(verdict.reason)")
        }
        let many = try Self.record {
            Self.exponential($0, mean: 0.001)
        } baseline: {
            Self.exponential($0, mean: 0.001)
        }
        #expect(Self.verdict(many, .percentile(99), .relative(1.5, to: Self.rest)).outcome == .pass)
    }

    /// The true percentile lies in the interval as often as it says: 1,000 pairs of which both sides are alike.
    @Test func aRatiosIntervalHoldsTheTruth() throws {
        var (random, missed) = (SplitMix64(seed: 3), 0)
        for _ in 0..<1000 {
            var tables = [BlockTable(seconds: 1, blocksMax: 1), BlockTable(seconds: 1, blocksMax: 1)]
            for side in 0...1 {
                for _ in 0..<700 {
                    let latency = -log((Double(random.next() >> 11) + 1) * 0x1p-53) * 1e6
                    tables[side].record(block: 0, Self.answer, latency: UInt64(latency) + 10_000)
                }
            }
            let interval = try #require(OrderStatistics(confidence: 0.95).ratio(90, of: tables[0], to: tables[1]))
            if interval.low > 1 || interval.high < 1 { missed += 1 }
        }
        #expect(missed <= 65, "\(missed) of 1000, 50 may")
    }

    @Test func maximaAreComparedByHowOftenOneIsAhead() throws {
        // Alike: each side's slowest is a matter of chance.
        let alike = try Self.record {
            Self.exponential($0, mean: 0.001)
        } baseline: {
            Self.exponential($0 &* 31 &+ 7, mean: 0.001)
        }
        #expect(Self.verdict(alike, .max, .relative(1.01, to: Self.rest)).outcome == .inconclusive)
        let slower = try Self.record {
            Self.exponential($0, mean: 0.004)
        } baseline: {
            Self.exponential($0, mean: 0.001)
        }
        #expect(Self.verdict(slower, .max, .relative(1.5, to: Self.rest)).outcome == .broken)
        #expect(Self.verdict(slower, .max, .relative(10, to: Self.rest)).outcome == .pass)
    }

    @Test func aBaselineThatFailsIsNone() throws {
        var failed = Counts()
        (failed.requests, failed.timeouts) = (1, 1)
        var record = try Self.record { _ in
            0.05
        } baseline: { _ in
            0.05
        }
        for index in 0..<5000 {
            record.record(
                trafficClass: 1, phase: 0, version: 0, due: Double(index) / 500, failed, latency: 1_000_000_000)
        }
        for measure in [Measure.percentile(50), .percentile(99), .throughput] {
            let verdict = Self.verdict(record, measure, .relative(2, to: Self.rest))
            #expect(verdict.outcome == .unjudged && verdict.reason.contains("50 % of its requests failed"))
        }
        // The other way round it is the candidate that fails.
        let judge = BudgetJudge(record: record, confidence: 0.99, redraws: 400)
        let swapped = Budget(Self.rest, .percentile(99), .relative(2, to: Self.selection))
        #expect(judge.judge(swapped).outcome == .broken)
    }

    @Test func nothingAnsweredIsNoThroughput() throws {
        var failed = Counts()
        (failed.requests, failed.faults) = (1, 1)
        let record = try Self.record(latency: { _ in 0.001 }, baseline: { _ in 0.001 }, outcome: { _ in failed })
        #expect(Self.verdict(record, .throughput, .relative(0.9, to: Self.rest)).outcome == .broken)
    }

    /// Answers that come when the phase is over are none of its throughput.
    @Test func aBacklogIsNoThroughput() throws {
        var late = Self.answer
        late.late = 1
        let record = try Self.record(latency: { _ in 0.001 }, outcome: { $0 % 2 == 0 ? Self.answer : late })
        let verdict = Self.verdict(record, .throughput, .absolute(400))
        #expect(verdict.outcome == .broken && verdict.value == 250)
    }

    /// Requests that ended without naming their version may have been anybody's.
    @Test func namelessFailuresMayBeTheVersions() throws {
        var record = RunRecord(try ScenarioReaderTests.read(ScenarioReaderTests.good))
        let version = record.version("2", ofClass: 0)
        var timeout = Counts()
        (timeout.requests, timeout.timeouts) = (1, 1)
        for index in 0..<1000 {
            let due = Double(index) / 100
            record.record(trafficClass: 0, phase: 0, version: version, due: due, Self.answer, latency: 1_000_000)
            if index % 4 == 0 {
                record.record(trafficClass: 0, phase: 0, version: 0, due: due, timeout, latency: 100_000_000)
            }
        }
        let judge = BudgetJudge(record: record, confidence: 0.99, redraws: 400)
        let mine = Selection(trafficClass: "pay", phase: "steady", version: "2")
        for (measure, bound) in [(Measure.timeouts, 0.0), (.errors, 0.01), (.percentile(99), 10e6)] {
            let verdict = judge.judge(Budget(mine, measure, .absolute(bound)))
            #expect(verdict.outcome == .inconclusive, "\(measure.name)")
            #expect(verdict.reason.contains("250 failed requests of the class name no version"))
        }
        #expect(judge.judge(Budget(mine, .percentile(50), .absolute(10e6))).outcome == .pass)
    }

    @Test func anInterruptedRunIsNotJudged() throws {
        let record = try Self.record { _ in 0.001 }
        let judge = BudgetJudge(record: record, confidence: 0.99, redraws: 400, interruptedAt: 3)
        #expect(judge.judge(Budget(Self.selection, .percentile(99), .absolute(1e9))).outcome == .unjudged)
    }

    @Test func noiseOfBothSidesCancels() throws {
        var random = SplitMix64(seed: 11)
        // A machine that is twice as slow for half of the time: both sides share it.
        func slow(_ index: Int) -> Double { index / 500 % 2 == 0 ? 1 : 2 }
        let record = try Self.record {
            _ = random.next()
            return slow($0) * Self.exponential($0, mean: 0.001)
        } baseline: {
            slow($0) * Self.exponential($0 &+ 1, mean: 0.001)
        }
        let rest = Selection(trafficClass: "rest", phase: "steady")
        #expect(Self.verdict(record, .percentile(50), .relative(1.2, to: rest)).outcome == .pass)
        #expect(Self.verdict(record, .percentile(50), .relative(0.8, to: rest)).outcome == .broken)
    }

    @Test func wilsonKnowsThatNothingSeenIsNotNothing() {
        let none = BlockBootstrap.wilson(0, of: 1000, confidence: 0.99)
        #expect(none.low == 0 && abs(none.high - 0.0066) < 0.0002)
        #expect(abs(BlockBootstrap.normalQuantile(0.995) - 2.5758) < 0.0001)
    }

    @Test func aDrawTakesEveryBlockEquallyOften() {
        var draw = BlockDraw(count: 30, seed: 1)
        var sums = [Int](repeating: 0, count: 30)
        for _ in 0..<2000 {
            let weights = draw.next()
            #expect(weights.reduce(0, +) == 30)
            for block in 0..<30 { sums[block] += Int(weights[block]) }
        }
        #expect((sums.min() ?? 0) > 1700 && (sums.max() ?? 0) < 2300)
    }
}
