// Whole numbers as decimal digits, written in place.

public enum Decimal {
    /// The most digits `write` writes.
    public static let digitLimit = 19

    /// Writes `value`, which is not negative, at `place`; returns the number of digits.
    @inlinable
    public static func write(_ value: Int, to place: UnsafeMutableRawPointer) -> Int {
        var count = 1
        var rest = value / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        rest = value
        for index in stride(from: count - 1, through: 0, by: -1) {
            place.storeBytes(of: UInt8(48 + rest % 10), toByteOffset: index, as: UInt8.self)
            rest /= 10
        }
        return count
    }
}
