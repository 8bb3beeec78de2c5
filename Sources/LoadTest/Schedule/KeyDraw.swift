// Which sticky key a request carries: uniform, or by Zipf's law, as cards and merchants are used (the k-th most used
// with a weight of 1 / k^s).
//
// A table of cumulative weights and one search: 20 steps for a million keys.

internal import Glibc
internal import Primitives

public struct KeyDraw: Sendable {
    /// Cumulative shares; empty: uniform.
    private let shares: [Double]
    private let count: Int
    private var random: SplitMix64

    /// - Parameter exponent: Zipf's s; nil: uniform.
    public init(count: Int, exponent: Double?, seed: UInt64) {
        self.count = count
        random = SplitMix64(seed: seed)
        guard let exponent else {
            shares = []
            return
        }
        var sum = 0.0
        var sums = (1...count).map { rank in
            sum += pow(Double(rank), -exponent)
            return sum
        }
        for index in sums.indices { sums[index] /= sum }
        shares = sums
    }

    /// A key's rank, from 0, the most used first.
    public mutating func next() -> Int {
        let draw = Double(random.next() >> 11) * 0x1p-53
        if shares.isEmpty { return Int(draw * Double(count)) }
        var (low, high) = (0, count - 1)
        while low < high {
            let middle = (low + high) / 2
            if shares[middle] <= draw { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
