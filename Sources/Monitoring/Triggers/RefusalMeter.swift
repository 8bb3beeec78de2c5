// Refused requests of the last five minutes, hour and day: readings of two counters that only grow, sixty to a window.
//
//     now less the oldest reading of the window = what happened in it

public struct RefusalMeter: Sendable {
    private static let readings = 60
    /// By window, the oldest reading first.
    private var rings: [DriftWindow: [(tick: UInt64, count: RefusalCount)]] = [:]

    /// Of counters that begin at zero.
    /// - Parameter tick: when they began.
    public init(since tick: UInt64) { note(RefusalCount(refused: 0, all: 0), tick: tick) }

    /// - Parameter tick: of `DriftWindow.tickSeconds`, and never smaller than the last one.
    public mutating func note(_ count: RefusalCount, tick: UInt64) {
        for window in DriftWindow.allCases {
            let step = max(window.ticks / UInt64(Self.readings), 1)
            var ring = rings[window] ?? []
            if let last = ring.last, tick < last.tick + step { continue }
            ring.append((tick, count))
            // One reading at or before the window's beginning stays: it is what the rest is measured from.
            while ring.count > 1, ring[1].tick + window.ticks <= tick { ring.removeFirst() }
            rings[window] = ring
        }
    }

    /// What was counted in a window up to a reading of now.
    public func count(_ window: DriftWindow, now: RefusalCount) -> RefusalCount {
        guard let first = rings[window]?.first?.count else { return RefusalCount(refused: 0, all: 0) }
        return RefusalCount(refused: now.refused &- first.refused, all: now.all &- first.all)
    }
}
