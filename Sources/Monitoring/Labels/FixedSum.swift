// Sums that forget nothing: in units of 2^-64, as whole numbers.
//
// A label that is taken back leaves exactly what was there before it, and a sum made anew from the store, in whatever
// order, is the same to the bit. A summand is off by 2^-65 at the most.

struct FixedSum: Sendable, Equatable {
    private var units: Int128 = 0
    private static let unit = 18_446_744_073_709_551_616.0  // 2^64
    /// Larger summands count as this: a thousand million million.
    private static let summandMax = 1e15

    mutating func add(_ value: Double) { units &+= Self.units(value) }

    mutating func take(_ value: Double) { units &-= Self.units(value) }

    mutating func add(_ other: FixedSum) { units &+= other.units }

    var value: Double { Double(units) / Self.unit }

    private static func units(_ value: Double) -> Int128 {
        Int128((max(-summandMax, min(summandMax, value)) * unit).rounded())
    }
}
