// Numbers as integers of the same order, and thresholds as keys that a value must exceed to go right.
//
//     value < threshold goes left   ⇔  right where key(value) ≥ key(threshold)  ⇔  key(value) > key(threshold) - 1
//     value <= threshold goes left  ⇔  right where key(value) > key(threshold)
//
// So both comparisons become one.  Keys are 32 bits for float32 values, else 64; rank.c computes
// the same from a row's values.

internal import ModelFormat

struct KeyCoder {
    private let width: NumberWidth
    private let comparison: Forest.Comparison
    /// Values with keys in it count as 0.
    private let zeroKeys: ClosedRange<UInt64>

    init(_ forest: Forest) {
        width = forest.valueWidth
        comparison = forest.comparison
        zeroKeys = Self.key(-forest.zeroBand, forest.valueWidth)...Self.key(forest.zeroBand, forest.valueWidth)
    }

    /// Never exceeded by a value's key.
    var largest: UInt64 { width == .float32 ? UInt64(UInt32.max) : .max }

    var zero: UInt64 { Self.key(0, width) }

    private static func key(_ value: Double, _ width: NumberWidth) -> UInt64 {
        switch width {
        case .float32:
            let bits = Int32(bitPattern: (Float(value) + 0).bitPattern)
            return UInt64(UInt32(bitPattern: bits) ^ (UInt32(bitPattern: bits >> 31) | 1 << 31))
        case .float64:
            let bits = Int64(bitPattern: (value + 0).bitPattern)
            return UInt64(bitPattern: bits) ^ (UInt64(bitPattern: bits >> 63) | 1 << 63)
        }
    }

    /// The key that a value's must exceed to go right of the threshold.
    ///
    /// All values that count as zero must fall on one side, so a threshold among them moves to
    /// the end of the zeros that keeps 0 itself on its side.
    func threshold(_ value: Double) -> UInt64 {
        let key = Self.key(value, width) - (comparison == .less ? 1 : 0)
        guard zeroKeys.contains(key), key != zeroKeys.upperBound else { return key }
        return zero > key ? zeroKeys.lowerBound - 1 : zeroKeys.upperBound
    }

    /// The number that a threshold's key stands for: a value passes where it is above it, or, where
    /// values at a threshold go right, at it or above.
    func number(_ threshold: UInt64) -> Double {
        let key = comparison == .less ? threshold + 1 : threshold
        switch width {
        case .float32:
            let bits = UInt32(truncatingIfNeeded: key)
            return Double(Float(bitPattern: bits >> 31 == 1 ? bits ^ 1 << 31 : ~bits))
        case .float64: return Double(bitPattern: key >> 63 == 1 ? key ^ 1 << 63 : ~key)
        }
    }
}
