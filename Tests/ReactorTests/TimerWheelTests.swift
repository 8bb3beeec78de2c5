import Testing

@testable import Reactor

@Suite struct TimerWheelTests {
    /// Against a plain list: every timer fires once, at the first advance at or after its time.
    @Test(arguments: [1, 2, 3]) func firesLikeASortedList(seed: UInt64) {
        var random = Xorshift(state: seed &* 0x9E37_79B9_7F4A_7C15)
        var now: UInt64 = 123_456_789_012
        var wheel = TimerWheel(nanos: now)
        let count = 500
        let nodes = UnsafeMutablePointer<TimerNode>.allocate(capacity: count)
        defer { nodes.deallocate() }
        for index in 0..<count {
            (nodes + index).initialize(to: TimerNode(owner: UnsafeMutableRawPointer(nodes + index)))
        }
        var due: [Int: UInt64] = [:]
        for _ in 0..<4_000 {
            let index = Int(random.next() % UInt64(count))
            switch random.next() % 8 {
            case 0:
                wheel.disarm(nodes + index)
                due[index] = nil
            case 1...5:
                let delay = [1_000, 3_000_000, 900_000_000, 60_000_000_000, 3_000_000_000_000][Int(random.next() % 5)]
                let at = now + random.next() % UInt64(delay)
                wheel.arm(nodes + index, at: at)
                due[index] = at
            default:
                now += random.next() % (random.next() % 10 == 0 ? 400_000_000_000 : 5_000_000)
                var fired: Set<Int> = []
                while let node = wheel.next(dueAt: now) { fired.insert(node - nodes) }
                // A tick is due once it has wholly passed, so allow one tick of rounding.
                for index in fired { #expect(due[index]! <= now) }
                for (index, at) in due where at + TimerWheel.tickNanos <= now { #expect(fired.contains(index)) }
                for index in fired { due[index] = nil }
                if let next = wheel.nextDue(), let earliest = due.values.min() {
                    #expect(next <= earliest + TimerWheel.tickNanos)
                }
            }
        }
        while let node = wheel.next(dueAt: now + 4_000_000_000_000) { due[node - nodes] = nil }
        #expect(due.isEmpty)
        #expect(wheel.nextDue() == nil)
    }

    @Test func aTimerADayAheadFiresOnItsTick() {
        var wheel = TimerWheel(nanos: 0)
        let node = UnsafeMutablePointer<TimerNode>.allocate(capacity: 1)
        defer { node.deallocate() }
        node.initialize(to: TimerNode(owner: UnsafeMutableRawPointer(node)))
        wheel.arm(node, at: 86_400_000_000_000)
        var fired = 0
        while wheel.next(dueAt: 86_399_999_000_000) != nil { fired += 1 }
        #expect(fired == 0)
        while wheel.next(dueAt: 86_400_000_000_000) != nil { fired += 1 }
        #expect(fired == 1)
    }
}

struct Xorshift {
    var state: UInt64
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
