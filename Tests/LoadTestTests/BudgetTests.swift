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
        #expect(Self.verdict(record, .percentile(99), .absolute(1e9)).outcome == .inconclusive)
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
