import Inference
import Primitives
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

    /// A reactor fills and reaps while the shadow thread reads: every copy comes whole, and in order.
    @Test func twoThreadsHandCellsOver() async {
        let ring = ShadowRing()
        let count = 5000
        async let reaped = Self.fill(ring, count)
        var scored = 0
        while scored < count {
            let found = ring.drain { cell in
                #expect(cell.pointee.slot == scored && cell.pointee.values.count == 8 * (1 + scored % 7))
                scored += 1
            }
            if !found { await Task.yield() }
        }
        #expect(await reaped == Array(0..<count))
    }

    private static func fill(_ ring: ShadowRing, _ count: Int) async -> [Int] {
        var reaped: [Int] = []
        var filled = 0
        while reaped.count < count {
            if filled < count, let cell = ring.take() {
                cell.pointee.values.reset()
                for word in 0...filled % 7 {
                    withUnsafeBytes(of: word) { cell.pointee.values.append($0) }
                }
                cell.pointee.slot = filled
                ring.submit()
                filled += 1
            } else {
                await Task.yield()
            }
            ring.reap { reaped.append($0) }
        }
        return reaped
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
