// One connection's turn: how much of what it has sent is used before it is the others' turn.
//
//     work ─ work ─ work ─┬─ work ─ …          a look at the clock after every 64 units of work, of which the first
//                         └─ the first look begins the turn's time
//
// A read brings up to 64 KiB, which can be 190 pipelined requests, 130 bodies' worth of header fields or eleven
// thousand chunks: a millisecond and more. Time is what the others wait for, so time bounds it; but whoever brings little,
// as nearly everybody does, is not timed at all.

struct Turn {
    /// Between two looks at the clock: about 50 µs of the dearest work there is.
    private static let unitsPerLook = 64
    /// A unit is a frame, or a piece of a body, or 1 KiB of it; an HTTP/1.1 request is eight of them.
    static let requestUnits = 8

    private var units = 0
    private var endsAt: UInt64 = 0

    init() {}

    @inline(__always)
    mutating func add(_ units: Int) { self.units &+= units }

    /// Enough was done to look at the clock.
    @inline(__always)
    var isLookDue: Bool { units >= Self.unitsPerLook }

    /// The time of the look, of a turn that takes `nanos`; true: it is over.
    mutating func isOver(at now: UInt64, nanos: UInt64) -> Bool {
        units = 0
        if endsAt == 0 {
            endsAt = now + nanos
            return false
        }
        return now >= endsAt
    }
}
