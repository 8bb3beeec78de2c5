// The exact upper confidence bound of a share (Clopper and Pearson, 1934): the p at which so few hits, or fewer, have
// probability 1 − level.  Found by halving on the binomial's lower tail, summed in logarithms.

internal import Glibc

public enum ClopperPearson {
    /// - Parameter level: of the one-sided bound, such as 0.999.
    public static func upperBound(hits: Int, of runs: Int, level: Double) -> Double {
        guard hits < runs else { return 1 }
        var (low, high) = (Double(hits) / Double(runs), 1.0)
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if lowerTail(hits: hits, of: runs, share: middle) > 1 - level { low = middle } else { high = middle }
        }
        return high
    }

    /// P(X ≤ hits) of a binomial.
    static func lowerTail(hits: Int, of runs: Int, share: Double) -> Double {
        if share <= 0 { return 1 }
        if share >= 1 { return hits >= runs ? 1 : 0 }
        var term = Double(runs) * log1p(-share)
        var sum = exp(term)
        guard hits > 0 else { return sum }
        let odds = log(share) - log1p(-share)
        for count in 1...hits {
            term += log(Double(runs - count + 1) / Double(count)) + odds
            sum += exp(term)
        }
        return min(sum, 1)
    }
}
