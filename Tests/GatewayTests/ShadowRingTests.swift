import Inference
import Testing

@testable import Gateway

@Suite struct ShadowRingTests {
    private static func submit(_ ring: ShadowRing, _ slot: Int) -> Bool {
        guard let cell = ring.take() else { return false }
        cell.pointee.slot = slot
        ring.submit()
        return true
    }

    @Test func copiesComeBackInTheirOrder() {
        let ring = ShadowRing()
        let foundNothing = !ring.drain { _ in }
        #expect(ring.isEmpty && foundNothing)
        for turn in 0..<3 {
            for slot in 0..<100 { #expect(Self.submit(ring, turn * 100 + slot)) }
            var scored: [Int] = []
            var reaped: [Int] = []
            ring.reap { reaped.append($0) }
            #expect(reaped.isEmpty, "nothing is scored yet")
            let found = ring.drain { scored.append($0.pointee.slot) }
            #expect(found)
            ring.reap { reaped.append($0) }
            #expect(scored == Array(turn * 100..<turn * 100 + 100) && reaped == scored && ring.isEmpty)
        }
    }

    @Test func aFullRingTakesNothingAndIsNotEmpty() {
        let ring = ShadowRing()
        for slot in 0..<ShadowRing.capacity { #expect(Self.submit(ring, slot)) }
        #expect(!Self.submit(ring, 0) && !ring.isEmpty)
        _ = ring.drain { _ in }
        #expect(!Self.submit(ring, 0), "scored is not reaped")
        ring.reap { _ in }
        #expect(Self.submit(ring, 0))
    }
}
