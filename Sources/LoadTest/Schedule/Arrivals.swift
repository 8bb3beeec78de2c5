// The moments at which requests of one class are due in one phase, in order: a pure function of schedule and seed.
//
// Nothing that happens while the requests run moves them.  That is what makes the loop open: a server that stalls does
// not stop the requests that were due meanwhile, and their waiting counts from when they were due.

internal import Glibc
internal import Primitives

public struct Arrivals: Sendable {
    /// How the moments follow the curve.
    public enum Spacing: String, Sendable, CaseIterable {
        case even, poisson
    }

    private enum Source: Sendable {
        case curve(RateCurve, Spacing)
        case recording([Recording.Entry], speed: Double, lengthNanos: UInt64)
    }

    /// One request of the schedule.
    public struct Arrival: Sendable, Equatable {
        /// Nanoseconds since the phase began.
        public var nanos: UInt64
        /// The line of the recording; -1: there is none.
        public var line: Int
    }

    private let source: Source
    private var position: Double
    private var line = 0
    private var random: SplitMix64

    /// - Parameter offset: 0 to 1, how far into the first interval an even schedule begins, so that classes of one rate
    ///   alternate instead of meeting.
    public init(_ curve: RateCurve, _ spacing: Spacing, seed: UInt64, offset: Double = 0) {
        source = .curve(curve, spacing)
        random = SplitMix64(seed: seed)
        position = spacing == .even ? offset : 0
        if spacing == .poisson { position = exponential() }
    }

    /// What was recorded, `speed` times as fast, as far as it lies within the phase.
    public init(_ recording: Recording, speed: Double, lengthNanos: UInt64) {
        source = .recording(recording.entries, speed: speed, lengthNanos: lengthNanos)
        random = SplitMix64(seed: 0)
        position = 0
    }

    /// The next moment; nil: the phase has no more.
    public mutating func next() -> Arrival? {
        switch source {
        case .curve(let curve, let spacing):
            guard let seconds = curve.moment(position) else { return nil }
            position += spacing == .even ? 1 : exponential()
            return Arrival(nanos: UInt64(seconds * 1e9), line: -1)
        case .recording(let entries, let speed, let lengthNanos):
            guard line < entries.count else { return nil }
            // Slowed down, a recording may last longer than 64 bits of nanoseconds hold.
            let nanos = entries[line].seconds / speed * 1e9
            guard nanos < Double(lengthNanos) else { return nil }
            line += 1
            return Arrival(nanos: UInt64(nanos), line: line - 1)
        }
    }

    /// An exponential step of mean 1.
    private mutating func exponential() -> Double {
        -log(Double(random.next() >> 11 | 1) * 0x1p-53)
    }
}
