// Latencies in buckets of a sixteenth of a power of two: stable's quantiles within 6%, for τ and for `watch`.

/// nanos ─► bucket: the exponent and the four bits behind the leading one.
public enum LatencyBuckets {
    /// 16 for each power of two up to 2^40 ns (18 minutes), which the last one takes too.
    public static let count = 16 * 38

    @inlinable
    public static func bucket(of nanos: UInt64) -> Int {
        if nanos < 16 { return Int(nanos) }
        let exponent = 63 &- nanos.leadingZeroBitCount
        let fraction = Int(truncatingIfNeeded: nanos &>> UInt64(exponent &- 4)) & 15
        return min((exponent &- 3) &* 16 &+ fraction, count &- 1)
    }

    /// The largest value of a bucket.
    public static func upperBound(of bucket: Int) -> UInt64 {
        if bucket < 16 { return UInt64(bucket) }
        let exponent = bucket / 16 + 3
        return (UInt64(16 + bucket % 16 + 1) << UInt64(exponent - 4)) - 1
    }
}

public struct LatencyHistogram: Equatable, Sendable {
    public internal(set) var counts = [UInt64](repeating: 0, count: LatencyBuckets.count)

    public init() {}

    public mutating func add(nanos: UInt64) { counts[LatencyBuckets.bucket(of: nanos)] += 1 }

    public var total: UInt64 { counts.reduce(0, +) }

    /// The upper bound of the bucket that holds the quantile; 0 of nothing.
    public func quantile(_ fraction: Double) -> UInt64 {
        let total = total
        guard total > 0 else { return 0 }
        let rank = max(1, UInt64((Double(total) * fraction).rounded(.up)))
        var below: UInt64 = 0
        for (bucket, count) in counts.enumerated() {
            below += count
            if below >= rank { return LatencyBuckets.upperBound(of: bucket) }
        }
        return 0
    }

    /// What came since an earlier reading of the same counters, which wrap at 2^32.
    public func since(_ earlier: LatencyHistogram) -> LatencyHistogram {
        var difference = LatencyHistogram()
        for bucket in counts.indices {
            difference.counts[bucket] = counts[bucket] &- min(earlier.counts[bucket], counts[bucket])
        }
        return difference
    }
}
