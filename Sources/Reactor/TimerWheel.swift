// Eight wheels of 64 slots, a quarter of a millisecond a tick: arm, disarm and fire are O(1). A deadline of 10 ms is
// kept to within 2.5%.
//
//     level 0: 64 × 0.25 ms     level 1: 64 × 16 ms     level 2: 64 × 1 s     level 3: 64 × 66 s  …
//
// A timer sits on the level of the highest 6-bit digit in which its tick differs from now; when
// time reaches its slot it falls to a lower level, and from level 0 it fires. A bitmap a level
// finds the next slot with one count of trailing zeros, so an idle reactor sleeps exactly until then.
// Eight levels reach 2^46 ms, so no time is too far. Owners arm lazily: they move their own
// deadline, leave the wheel alone, and look when it fires.
//
// Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987), scheme 6.

/// One timer, at a fixed address, owned by what it watches over.
public struct TimerNode {
    var next: UnsafeMutablePointer<TimerNode>?
    var previous: UnsafeMutablePointer<TimerNode>?
    /// Tick at which it fires.
    var tick: UInt64 = 0
    /// level × 64 + slot, or -1 while it is not armed.
    var position: Int32 = -1
    /// What the timer watches over.
    public var owner: UnsafeMutableRawPointer

    public init(owner: UnsafeMutableRawPointer) { self.owner = owner }

    public var isArmed: Bool { position >= 0 }
    /// When it fires, in nanoseconds of the reactor's clock.
    public var due: UInt64 { tick * TimerWheel.tickNanos }
}

public struct TimerWheel: ~Copyable {
    public static let tickNanos: UInt64 = 250_000
    static let levels = 8
    static let digitBits: UInt64 = 6

    typealias Node = UnsafeMutablePointer<TimerNode>

    private var slots: UnsafeMutablePointer<Node?>
    private var occupied: InlineArray<8, UInt64> = .init(repeating: 0)
    private(set) var now: UInt64

    /// A wheel that stands at `nanos`.
    public init(nanos: UInt64) {
        now = nanos / Self.tickNanos
        slots = .allocate(capacity: Self.levels * 64)
        slots.initialize(repeating: nil, count: Self.levels * 64)
    }

    deinit { slots.deallocate() }

    /// Arms or moves a timer; it fires in the first `advance` at or after `nanos`.
    public mutating func arm(_ node: UnsafeMutablePointer<TimerNode>, at nanos: UInt64) {
        if node.pointee.isArmed { disarm(node) }
        node.pointee.tick = (nanos &+ Self.tickNanos - 1) / Self.tickNanos
        insert(node)
    }

    public mutating func disarm(_ node: UnsafeMutablePointer<TimerNode>) {
        let position = Int(node.pointee.position)
        guard position >= 0 else { return }
        if let previous = node.pointee.previous {
            previous.pointee.next = node.pointee.next
        } else {
            slots[position] = node.pointee.next
            if node.pointee.next == nil { occupied[position >> 6] &= ~(1 << UInt64(position & 63)) }
        }
        node.pointee.next?.pointee.previous = node.pointee.previous
        node.pointee.position = -1
    }

    private mutating func insert(_ node: Node) {
        let tick = max(node.pointee.tick, now)
        let difference = (tick ^ now) | 1
        let level = UInt64(63 - difference.leadingZeroBitCount) / Self.digitBits
        let slot = (tick >> (level * Self.digitBits)) & 63
        let position = Int(level * 64 + slot)
        node.pointee.tick = tick
        node.pointee.position = Int32(position)
        node.pointee.previous = nil
        node.pointee.next = slots[position]
        slots[position]?.pointee.previous = node
        slots[position] = node
        occupied[Int(level)] |= 1 << slot
    }

    /// The earliest moment at which `advance` has something to do; nil: never.
    public func nextDue() -> UInt64? {
        earliest().map { $0.tick * Self.tickNanos }
    }

    /// The slot that time reaches first, and the tick at which it does.
    private func earliest() -> (level: Int, slot: Int, tick: UInt64)? {
        for level in 0..<Self.levels where occupied[level] != 0 {
            let slot = occupied[level].trailingZeroBitCount
            let shift = UInt64(level) * Self.digitBits
            let start = (now >> (shift + Self.digitBits)) << (shift + Self.digitBits)
            return (level, slot, max(now, start + (UInt64(slot) << shift)))
        }
        return nil
    }

    /// Takes out the next timer that is due at `nanos`, disarmed; nil: none is, and time stands there. Whoever fires it may arm
    /// and disarm any timer before asking again.
    mutating func next(dueAt nanos: UInt64) -> UnsafeMutablePointer<TimerNode>? {
        let target = nanos / Self.tickNanos
        while let next = earliest(), next.tick <= target {
            now = next.tick
            let position = next.level * 64 + next.slot
            if next.level == 0, let node = slots[position] {
                disarm(node)
                return node
            }
            while let node = slots[position] {
                disarm(node)
                insert(node)
            }
        }
        now = max(now, target)
        return nil
    }
}
