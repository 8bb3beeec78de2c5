// Medians, and how sure one may be of them.

enum Statistics {
    /// The middle value, or the mean of the two in the middle; `values` is not empty.
    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The median and its 95% interval by the percentile bootstrap: medians of 2,000 samples drawn with replacement
    /// (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13).
    static func medianInterval(_ values: [Double]) -> (median: Double, low: Double, high: Double) {
        var random = SplitMix(state: 0x5EED)
        let medians = (0..<2_000).map { _ in
            median(values.map { _ in values[Int(random.next() % UInt64(values.count))] })
        }.sorted()
        return (median(values), medians[49], medians[1_949])
    }
}

/// The same draws in every run (Steele, Lea and Flood, 2014).
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
