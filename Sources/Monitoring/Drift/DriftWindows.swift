// Counts of the last five minutes, hour and day: a ring of slots each, fed with what every tick has brought.
//
//     tick  5 s     five minutes  60 slots of 1 tick      hour  60 slots of 12      day  96 slots of 180
//
//     slots │ 12:00:05 │ 12:00:10 │ … │ now │             total = their sum: added to when a tick comes,
//              └ too old: taken off the total                     taken from when a slot leaves
//
// Time is a tick's number and comes from outside.

public enum DriftWindow: String, Sendable, CaseIterable {
    case fiveMinutes = "5m"
    case hour = "1h"
    case day = "24h"

    public static let tickSeconds: UInt64 = 5

    var slotCount: Int { self == .day ? 96 : 60 }
    var ticksPerSlot: UInt64 {
        switch self {
        case .fiveMinutes: 1
        case .hour: 12
        case .day: 180
        }
    }
    var ticks: UInt64 { UInt64(slotCount) * ticksPerSlot }
}

/// One window's ring.
struct CountRing: Sendable {
    private let window: DriftWindow
    /// Empty: nothing was counted in it.
    private var slots: [[UInt32]]
    /// Which slot of time each holds.
    private var numbers: [UInt64]
    private(set) var total: [UInt64]

    init(_ window: DriftWindow, cells: Int) {
        self.window = window
        slots = Array(repeating: [], count: window.slotCount)
        numbers = Array(repeating: 0, count: window.slotCount)
        total = Array(repeating: 0, count: cells)
    }

    /// Adds what a tick has brought; ticks never go back.
    mutating func add(_ counts: [UInt32], tick: UInt64) {
        expire(tick: tick)
        let number = tick / window.ticksPerSlot
        let index = Int(number % UInt64(window.slotCount))
        numbers[index] = number
        if !counts.contains(where: { $0 > 0 }) { return }
        if slots[index].isEmpty { slots[index] = Array(repeating: 0, count: total.count) }
        for cell in total.indices where counts[cell] > 0 {
            slots[index][cell] &+= counts[cell]
            total[cell] += UInt64(counts[cell])
        }
    }

    /// Takes off what is too old.
    mutating func expire(tick: UInt64) {
        let number = tick / window.ticksPerSlot
        for index in slots.indices where !slots[index].isEmpty {
            if numbers[index] + UInt64(window.slotCount) > number { continue }
            for cell in total.indices { total[cell] -= UInt64(slots[index][cell]) }
            slots[index] = []
        }
    }
}
