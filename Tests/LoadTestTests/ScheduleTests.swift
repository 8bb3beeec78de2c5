import Foundation
import Testing

@testable import LoadTest

@Suite struct ScheduleTests {
    @Test func constantRateIsEven() {
        var arrivals = Arrivals(.constant(1000, seconds: 2), .even, seed: 1)
        var moments: [UInt64] = []
        while let next = arrivals.next() { moments.append(next.nanos) }
        #expect(moments.count == 2000)
        #expect(moments[0] == 0 && moments[1] == 1_000_000 && moments[1999] == 1_999_000_000)
    }

    @Test func classesOfOneRateAlternate() {
        var first = Arrivals(.constant(100, seconds: 1), .even, seed: 1, offset: 0)
        var second = Arrivals(.constant(100, seconds: 1), .even, seed: 1, offset: 0.5)
        #expect(first.next()?.nanos == 0)
        #expect(second.next()?.nanos == 5_000_000)
    }

    /// Every shape against a sum over small steps.
    @Test(arguments: [
        RateCurve.constant(500, seconds: 4), .ramp(from: 0, to: 1000, seconds: 4),
        .ramp(from: 900, to: 100, seconds: 4),
        .steps([100, 400, 50], seconds: 6), .spike(base: 100, peak: 2000, at: 1, length: 0.5, seconds: 3),
    ])
    func totalsAndMomentsAgree(curve: RateCurve) {
        #expect(abs(curve.until(curve.seconds) - curve.total) < 1e-6)
        for count in stride(from: 0.0, to: curve.total, by: 7) {
            guard let moment = curve.moment(count) else {
                Issue.record("request \(count) of \(curve.total) is never due")
                return
            }
            #expect(abs(curve.until(moment) - count) < 1e-6)
        }
        #expect(curve.moment(curve.total + 1) == nil)
    }

    @Test func rampHoldsHalfOfItsPeak() {
        #expect(RateCurve.ramp(from: 0, to: 1000, seconds: 4).total == 2000)
        #expect(RateCurve.spike(base: 100, peak: 1100, at: 1, length: 1, seconds: 4).total == 1400)
    }

    @Test func poissonHasItsRateAndItsSpread() {
        var arrivals = Arrivals(.constant(1000, seconds: 50), .poisson, seed: 7)
        var (count, last, sum, squares) = (0, 0.0, 0.0, 0.0)
        while let next = arrivals.next() {
            let gap = Double(next.nanos) / 1e6 - last
            last = Double(next.nanos) / 1e6
            (count, sum, squares) = (count + 1, sum + gap, squares + gap * gap)
        }
        let mean = sum / Double(count)
        let spread = (squares / Double(count) - mean * mean).squareRoot()
        #expect(abs(count - 50000) < 1200)
        // An exponential's standard deviation is its mean.
        #expect(abs(spread / mean - 1) < 0.03)
    }

    @Test func sameSeedSameSchedule() {
        func moments(_ seed: UInt64) -> [UInt64] {
            var arrivals = Arrivals(.constant(1000, seconds: 1), .poisson, seed: seed)
            var all: [UInt64] = []
            while let next = arrivals.next() { all.append(next.nanos) }
            return all
        }
        #expect(moments(3) == moments(3))
        #expect(moments(3) != moments(4))
    }

    @Test func recordingIsReplayedAtItsSpeed() throws {
        let text = "{\"at\":0.5,\"key\":\"a\"}\n{\"at\":1}\n{\"at\":8,\"body\":\"{}\"}\n"
        let recording = try Recording.parse(Array(text.utf8), source: "r")
        var arrivals = Arrivals(recording, speed: 2, lengthNanos: 1_000_000_000)
        #expect(arrivals.next() == Arrivals.Arrival(nanos: 250_000_000, line: 0))
        #expect(arrivals.next() == Arrivals.Arrival(nanos: 500_000_000, line: 1))
        // At 4 s, after the phase.
        #expect(arrivals.next() == nil)
        #expect(recording.dueCount(speed: 2, within: 1_000_000_000) == 2)
        #expect(recording.dueCount(speed: 2, within: 250_000_000) == 0)
    }

    /// A moment beyond 64 bits of nanoseconds trapped.
    @Test func aSlowRecordingEndsWithItsPhase() throws {
        let recording = try Recording.parse(Array("{\"at\":0}\n{\"at\":1000000}".utf8), source: "r")
        var arrivals = Arrivals(recording, speed: 0.01 / 1000, lengthNanos: 86_400_000_000_000)
        #expect(arrivals.next()?.line == 0)
        #expect(arrivals.next() == nil)
    }

    @Test(arguments: [
        ("{\"at\":1}\n{\"at\":0.5}", "r:2: at: expected seconds, not before the line above (1.0)"),
        ("{\"at\":1,\"kay\":\"a\"}", "r:1: unknown key \"kay\" (known here: at, key, body)"),
        ("{\"at\":1,\"key\":5}", "r:1: key: expected a string"), ("", "r: holds no request"),
        ("[1]", "r:1: expected an object"),
        (
            "{\"at\":0}\n{\"at\":1795291200}",
            "r:2: at: expected at most 1000000 seconds since the recording's begin; are these Unix times?"
        ),
        (
            "{\"at\":0,\"key\":\"a\\r\\nx-injected: 1\"}",
            "r:1: key: expected visible ASCII, spaces and tabs only inside, at most 1024 bytes, "
                + "found \"a\\u{d}\\u{a}x-injected: 1\""
        ),
    ])
    func wrongRecordingsAreRefused(text: String, message: String) {
        #expect { try Recording.parse(Array(text.utf8), source: "r") } throws: { "\($0)" == message }
    }

    @Test func zipfFollowsItsLaw() {
        var draw = KeyDraw(count: 1000, exponent: 1, seed: 5)
        var counts = [Int](repeating: 0, count: 1000)
        for _ in 0..<200_000 { counts[draw.next()] += 1 }
        // The first is drawn twice as often as the second, ten times as often as the tenth.
        #expect(abs(Double(counts[0]) / Double(counts[1]) - 2) < 0.15)
        #expect(abs(Double(counts[0]) / Double(counts[9]) - 10) < 1.2)
        var even = KeyDraw(count: 10, exponent: nil, seed: 5)
        var seen = Set<Int>()
        for _ in 0..<1000 { seen.insert(even.next()) }
        #expect(seen == Set(0..<10))
    }
}
