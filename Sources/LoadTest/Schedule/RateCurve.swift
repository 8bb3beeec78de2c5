// How many requests a second are due, over the time of a phase: straight pieces, so that the number of requests due
// until any moment, and the moment of any request, are closed formulas.
//
//     constant ▔▔▔▔▔▔▔    ramp ╱▔ to    steps ▁▃▅▇    spike ▁▁█▁▁ (base, peak, at, for)
//            ▏                ╱ from
//
//     until(t) = ∫ rate             the requests that are due before t
//     moment(n)                     its inverse: when the n-th is due
//
// An even schedule asks for moment(0), moment(1), …; a Poisson process of the same rates adds exponential steps to n
// instead (time-change of a unit-rate process: Çinlar, "Introduction to Stochastic Processes", 1975, chapter 4).

internal import Glibc

public struct RateCurve: Sendable, Equatable {
    struct Piece: Sendable, Equatable {
        /// Seconds since the phase began.
        var start: Double
        var end: Double
        /// Requests a second at both ends.
        var from: Double
        var to: Double

        var count: Double { (from + to) / 2 * (end - start) }

        /// Requests due between the piece's start and `seconds` within it.
        func until(_ seconds: Double) -> Double {
            let time = seconds - start
            return from * time + (to - from) * time * time / (2 * (end - start))
        }

        /// The moment at which `count` requests of the piece have become due.
        func moment(_ count: Double) -> Double {
            let slope = (to - from) / (end - start)
            if count <= 0 { return start }
            if slope == 0 { return start + count / from }
            // The stable root of slope/2 t² + from t = count.
            let root = (from * from + 2 * slope * count).squareRoot()
            return start + 2 * count / (from + root)
        }
    }

    let pieces: [Piece]
    public let seconds: Double

    init(_ pieces: [Piece], seconds: Double) {
        self.pieces = pieces.filter { $0.end > $0.start && ($0.from > 0 || $0.to > 0) }
        self.seconds = seconds
    }

    public static func constant(_ rate: Double, seconds: Double) -> RateCurve {
        ramp(from: rate, to: rate, seconds: seconds)
    }

    public static func ramp(from: Double, to: Double, seconds: Double) -> RateCurve {
        RateCurve([Piece(start: 0, end: seconds, from: from, to: to)], seconds: seconds)
    }

    /// Each rate for an equal part of the time.
    public static func steps(_ rates: [Double], seconds: Double) -> RateCurve {
        let part = seconds / Double(rates.count)
        return RateCurve(
            rates.enumerated().map { index, rate in
                Piece(start: Double(index) * part, end: Double(index + 1) * part, from: rate, to: rate)
            }, seconds: seconds)
    }

    /// `base`, but `peak` for `length` seconds from `at` on.
    public static func spike(base: Double, peak: Double, at: Double, length: Double, seconds: Double) -> RateCurve {
        let end = min(at + length, seconds)
        return RateCurve(
            [
                Piece(start: 0, end: at, from: base, to: base), Piece(start: at, end: end, from: peak, to: peak),
                Piece(start: end, end: seconds, from: base, to: base),
            ], seconds: seconds)
    }

    /// Requests that are due over the whole time.
    public var total: Double { pieces.reduce(0) { $0 + $1.count } }

    public var peak: Double { pieces.reduce(0) { max($0, $1.from, $1.to) } }

    /// Requests that are due before `seconds`.
    public func until(_ seconds: Double) -> Double {
        pieces.reduce(0) { sum, piece in
            seconds <= piece.start ? sum : sum + piece.until(min(seconds, piece.end))
        }
    }

    /// When the request before which `count` others are due is due itself, in seconds; nil: after the end.
    public func moment(_ count: Double) -> Double? {
        var rest = count
        for piece in pieces {
            if rest < piece.count { return piece.moment(rest) }
            rest -= piece.count
        }
        return nil
    }
}
