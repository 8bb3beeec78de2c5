// Latencies in bins that grow with the value: 128 to an octave, so a bin is 0.8 % wide at most.
//
//     1.024 us [ 128 bins ] 2.048 us [ 128 bins ] 4.096 us …  … 137 s
//
// A block of time keeps one row of them (BlockTable): 14 KB, whatever came.  HdrHistogram's three digits say what is
// printed; the bins are for intervals and for the page, where blocks are drawn again and again.

enum LatencyBins {
    static let lowestExponent = 10
    static let octaves = 27
    static let perOctave = 128
    static let count = octaves * perOctave

    @inline(__always)
    static func index(_ nanos: UInt64) -> Int {
        guard nanos >= 1 << lowestExponent else { return 0 }
        let exponent = 63 - nanos.leadingZeroBitCount
        let octave = exponent - lowestExponent
        if octave >= octaves { return count - 1 }
        return octave * perOctave + Int((nanos >> (exponent - 7)) & 127)
    }

    /// Where a bin begins, in nanoseconds; `index` may lie within one.
    static func edge(_ index: Double) -> Double {
        let whole = Int(index.rounded(.down))
        let start = Double(UInt64(128 + whole % perOctave) << (whole / perOctave + lowestExponent - 7))
        return start + (index - Double(whole)) * Double(UInt64(1) << (whole / perOctave + lowestExponent - 7))
    }

    /// The place of a value on the bins' scale, with its fraction.
    static func place(_ nanos: Double) -> Double {
        let whole = index(UInt64(max(0, min(nanos, 1e12))))
        let (low, high) = (edge(Double(whole)), edge(Double(whole + 1)))
        return Double(whole) + min(max((nanos - low) / (high - low), 0), 1)
    }
}
