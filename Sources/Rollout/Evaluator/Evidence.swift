// Shiryaev–Roberts statistics over a grid of alternatives, one lane each:  R ← (R + 1) · L.
//
//     lane      0     1     2   …   7          a lane below 1e200 holds R itself,
//     value   R_0   R_1   R_2       R_7        one above it holds log R: there the + 1 is below any rounding
//
// Why both: R spans from 0 to far beyond what a double holds (one tick can bring a likelihood ratio of e^10000), so
// logarithms it must be; but while nothing happens L is 1, and R must be the number of ticks *exactly*, after 10⁹
// of them too.  A sum of 1s is exact in a double up to 2^53, a logarithm of it is not.  Over 8 lanes a quiet tick
// costs 4 additions of SSE2 instead of 8 logarithms.
//
// Under the null hypothesis E[L | past] ≤ 1, so E[R_t] ≤ t; crossing T/α within T ticks has probability at most α
// (Shin, Ramdas, Rinaldo, arXiv 2203.03532, theorem 2.4 and its submartingale form).

internal import Glibc

struct Evidence: Equatable, Sendable {
    /// The grids' size.
    static let lanesMax = 8
    /// Above it a lane holds its logarithm.
    static let linearMax = 1e200
    private static let logLinearMax = 460.517018598809  // log(1e200)

    /// R of a lane, or log R where its bit in `logLanes` is set. Lanes that are not used stay 0.
    private(set) var values = SIMD8<Double>()
    private(set) var logLanes: UInt8 = 0
    /// Lanes in use, the first so many.
    let lanes: Int
    /// Lanes whose R does not start at all: their part is taken by L = 0.
    private let used: SIMD8<Double>

    init(lanes: Int) {
        precondition(1...Self.lanesMax ~= lanes)
        self.lanes = lanes
        var used = SIMD8<Double>()
        for lane in 0..<lanes { used[lane] = 1 }
        self.used = used
    }

    /// A tick in which nothing was learned: L = 1.
    mutating func rest(_ ticks: Double = 1) {
        if logLanes == 0 {
            values += used * ticks
        } else {
            for lane in 0..<lanes where logLanes & (UInt8(1) << UInt8(lane)) == 0 { values[lane] += ticks }
        }
    }

    /// A tick with these likelihood ratios, each from 0 to 1e100.
    mutating func step(_ ratios: SIMD8<Double>) {
        if logLanes == 0 {
            values = (values + used) * ratios * used
            if values.max() > Self.linearMax { leaveLinear() }
        } else {
            var logs = SIMD8<Double>()
            for lane in 0..<lanes { logs[lane] = log(ratios[lane]) }
            stepLanes(logs)
        }
    }

    /// A tick with the logarithms of the likelihood ratios, of any size; -infinity is a ratio of 0.
    mutating func step(logs: SIMD8<Double>) {
        guard logLanes == 0, logs.max() < 200, logs.min() > -200 else { return stepLanes(logs) }
        var ratios = SIMD8<Double>()
        for lane in 0..<lanes { ratios[lane] = exp(logs[lane]) }
        step(ratios)
    }

    private mutating func stepLanes(_ logs: SIMD8<Double>) {
        for lane in 0..<lanes {
            let bit = UInt8(1) << UInt8(lane)
            let before = logLanes & bit != 0 ? values[lane] : log(values[lane] + 1)
            let after = before + logs[lane]
            if after > Self.logLinearMax {
                values[lane] = after
                logLanes |= bit
            } else {
                values[lane] = exp(after)
                logLanes &= ~bit
            }
        }
    }

    private mutating func leaveLinear() {
        for lane in 0..<lanes where values[lane] > Self.linearMax {
            values[lane] = log(values[lane])
            logLanes |= UInt8(1) << UInt8(lane)
        }
    }

    /// The mean over the lanes; infinity beyond 1e200, which is above every threshold.
    var mean: Double { logLanes == 0 ? values.sum() / Double(lanes) : .infinity }

    /// The mean's natural logarithm, of whatever size; -infinity: nothing yet.
    var logMean: Double {
        if logLanes == 0 { return log(mean) }
        var logs: [Double] = []
        for lane in 0..<lanes {
            logs.append(logLanes & (UInt8(1) << UInt8(lane)) != 0 ? values[lane] : log(values[lane]))
        }
        let highest = logs.max() ?? 0
        return highest + log(logs.reduce(0) { $0 + exp($1 - highest) } / Double(lanes))
    }

    /// Starts anew.
    mutating func reset() { self = Evidence(lanes: lanes) }
}

extension Evidence: Storable {
    func write(to snapshot: inout SnapshotWriter) {
        snapshot.write(UInt64(logLanes))
        for lane in 0..<Self.lanesMax { snapshot.write(values[lane]) }
    }

    /// Takes over what was written; the lanes in use are the test's own.
    mutating func read(from snapshot: inout SnapshotReader) throws(SnapshotError) {
        logLanes = UInt8(truncatingIfNeeded: try snapshot.integer(0...255)) & UInt8(truncatingIfNeeded: 1 << lanes - 1)
        for lane in 0..<Self.lanesMax {
            let value = try snapshot.number()
            values[lane] = lane < lanes ? value : 0
        }
    }
}
