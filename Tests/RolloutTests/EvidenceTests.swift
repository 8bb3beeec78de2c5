// The statistic's arithmetic: exact while nothing happens, right at every size, and without drift.

import Glibc
import Testing

@testable import Rollout

@Suite struct EvidenceTests {
    @Test func aBillionTicksAreExactlyABillion() {
        var evidence = Evidence(lanes: 8)
        evidence.rest(1e9 - 1000)
        for _ in 0..<500 { evidence.step(SIMD8(repeating: 1)) }
        for _ in 0..<500 { evidence.step(logs: .zero) }
        #expect(evidence.mean == 1e9)
    }

    /// R ← (R + 1)/2 has the fixed point 1, and stays there.
    @Test func theFixedPointHolds() {
        var evidence = Evidence(lanes: 5)
        for _ in 0..<100_000 { evidence.step(SIMD8(repeating: 0.5)) }
        #expect(evidence.mean == 1)
    }

    /// Two ticks that cancel, over and over, at e^±600: beyond what a double holds, and back.
    @Test func sizesBeyondADoubleComeBack() {
        var evidence = Evidence(lanes: 3)
        evidence.rest(9)
        for _ in 0..<1000 {
            evidence.step(logs: SIMD8(repeating: 6000))
            #expect(evidence.mean == .infinity)
            #expect(abs(evidence.logMean - (6000 + log(10))) < 1e-9)
            evidence.step(logs: SIMD8(repeating: -6000))
            #expect(abs(evidence.mean - 10) < 1e-9)
            evidence.step(SIMD8(repeating: 9 / 11.0))
            #expect(abs(evidence.mean - 9) < 1e-9)
        }
    }

    @Test func aRatioOfNothingEndsALane() {
        var evidence = Evidence(lanes: 8)
        evidence.rest(100)
        evidence.step(SIMD8(0, 1, 1, 1, 1, 1, 1, 1))
        #expect(evidence.mean == 101.0 * 7 / 8)
        evidence.step(logs: SIMD8(repeating: -.infinity))
        #expect(evidence.mean == 0)
        #expect(evidence.logMean == -.infinity)
    }

    @Test func lanesThatAreNotUsedStayEmpty() {
        var evidence = Evidence(lanes: 2)
        evidence.rest(10)
        evidence.step(SIMD8(repeating: 2))
        evidence.step(logs: SIMD8(repeating: 700))
        #expect(evidence.logLanes == 0b11)
        #expect((2..<8).allSatisfy { evidence.values[$0] == 0 })
    }

    /// In logarithms and out of them, against a plain logarithm.
    @Test(arguments: 0..<20)
    func itFollowsPlainLogarithms(seed: UInt64) {
        var random = Dice(seed: seed)
        var evidence = Evidence(lanes: 1)
        var reference = -Double.infinity
        for _ in 0..<2000 {
            let step = (Double(random.below(2001)) - 1000) / 2
            var logs = SIMD8<Double>()
            logs[0] = step
            evidence.step(logs: logs)
            reference = max(reference, 0) + log1p(exp(-abs(reference))) + step
            #expect(abs(evidence.logMean - reference) <= 1e-9 * max(1, abs(reference)) || reference < -300)
        }
    }

    /// Up and down again, far beyond a double.
    @Test func hugeEvidenceDoesNotDrift() {
        var evidence = Evidence(lanes: 1)
        var (up, down) = (SIMD8<Double>(), SIMD8<Double>())
        (up[0], down[0]) = (0.1, -0.1)
        evidence.step(logs: SIMD8(repeating: 10_000))
        let before = evidence.logMean
        for _ in 0..<20_000 {
            evidence.step(logs: up)
            evidence.step(logs: down)
        }
        #expect(abs(evidence.logMean - before) < 1e-6)
    }
}
