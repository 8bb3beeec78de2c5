// Relative verdicts on a machine that disturbs both sides, many times over, under a seed: how often are they wrong, how
// often do they not know?
//
//     candidate's true p99   0.9 or 1.1 times the bound
//     machine                100 ms blocks: a slow drift (AR(1), 25 %), and one block in twenty three times as slow
//     each side              log-normal latencies of its own, 2,000 a second for 10 s
//
// SERIN_VERDICTS runs of each kind; 25 without it, 200 for the record.

import Foundation
import Primitives
import Testing

@testable import LoadTest

@Suite struct VerdictSimulationTests {
    static let runs = ProcessInfo.processInfo.environment["SERIN_VERDICTS"].flatMap(Int.init) ?? 25
    static let (blocks, perBlock) = (100, 200)

    struct Normal {
        var random: SplitMix64
        private var spare: Double?

        init(seed: UInt64) { random = SplitMix64(seed: seed) }

        /// Box and Muller's two at a time.
        mutating func next() -> Double {
            if let value = spare {
                spare = nil
                return value
            }
            let radius = (-2 * log((Double(random.next() >> 11) + 1) * 0x1p-53)).squareRoot()
            let angle = 2 * Double.pi * Double(random.next() >> 11) * 0x1p-53
            spare = radius * sin(angle)
            return radius * cos(angle)
        }
    }

    /// Both sides of one run.
    static func run(_ factor: Double, seed: UInt64) -> (candidate: BlockTable, baseline: BlockTable) {
        var normal = Normal(seed: seed)
        var tables = (BlockTable(seconds: 10), BlockTable(seconds: 10))
        var counts = Counts()
        (counts.requests, counts.answers) = (1, 1)
        var drift = 0.0
        for block in 0..<blocks {
            drift = 0.9 * drift + 0.25 * (1 - 0.81).squareRoot() * normal.next()
            let isStalled = normal.random.next() % 20 == 0
            let machine = exp(drift) * (isStalled ? 3 : 1) * 400_000
            for _ in 0..<perBlock {
                let (mine, theirs) = (exp(0.5 * normal.next()), exp(0.5 * normal.next()))
                tables.0.record(block: block, counts, latency: UInt64(machine * factor * mine))
                tables.1.record(block: block, counts, latency: UInt64(machine * theirs))
            }
        }
        return tables
    }

    @Test func wrongVerdictsAreRare() {
        var (wrong, open) = (0, 0)
        for index in 0..<2 * Self.runs {
            let factor = index % 2 == 0 ? 0.9 : 1.1
            let (candidate, baseline) = Self.run(factor, seed: UInt64(1000 + index))
            let bootstrap = BlockBootstrap(confidence: 0.99, redraws: 500, seed: UInt64(index))
            let interval = bootstrap.widestRatio(99, of: candidate, to: baseline)
            if interval.high <= 1 {
                if factor > 1 { wrong += 1 }
            } else if interval.low > 1 {
                if factor < 1 { wrong += 1 }
            } else {
                open += 1
            }
        }
        let total = Double(2 * Self.runs)
        #expect(Double(wrong) <= 0.01 * total, "\(wrong) of \(2 * Self.runs) verdicts are wrong")
        #expect(Double(open) <= 0.2 * total, "\(open) of \(2 * Self.runs) are inconclusive")
    }

    /// Without pairing the machine's blocks would be noise of the ratio.
    @Test func pairedDrawsAreNarrower() throws {
        let (candidate, baseline) = Self.run(1, seed: 5)
        let bootstrap = BlockBootstrap(confidence: 0.99, redraws: 500)
        let paired = try #require(bootstrap.ratio(99, of: candidate, to: baseline))
        let alone = try #require(bootstrap.percentile(99, of: candidate))
        #expect(paired.high / paired.low < (alone.high / alone.low).squareRoot())
        #expect(paired.low < 1 && paired.high > 1)
    }
}
