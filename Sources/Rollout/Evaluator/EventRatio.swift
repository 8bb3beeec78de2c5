// Whose event was it?  Where a share ρ of the requests goes to the canary, and the canary's rate of an event is r times
// stable's, the next event is the canary's with probability
//
//     θ(r, ρ) = ρr / (ρr + 1 − ρ)
//
// whatever the rate itself is: it may drift, the day may be busy, the ratio stays.  (Lindon and Malek,
// arXiv 2011.03567.)  This table holds log θ(r_k)/θ(r_0) and log (1 − θ(r_k))/(1 − θ(r_0)) for one ρ.

internal import Glibc

/// A grid of alternatives against one null ratio.
struct EventRatio: Equatable, Sendable {
    let null: Double
    let alternatives: [Double]
    /// The share that the two rows below are for; -1: none yet.
    private(set) var share = -1.0
    /// Of an event of the canary, and of stable's; one lane an alternative.
    private(set) var canaryLogs = SIMD8<Double>()
    private(set) var stableLogs = SIMD8<Double>()

    init(null: Double, alternatives: [Double]) {
        precondition(null > 0 && alternatives.count <= Evidence.lanesMax)
        self.null = null
        self.alternatives = alternatives
    }

    /// The rows follow from the share, and the share from the next event.
    static func == (one: EventRatio, other: EventRatio) -> Bool {
        one.null == other.null && one.alternatives == other.alternatives
    }

    /// The probability that an event is the canary's.
    static func theta(_ ratio: Double, share: Double) -> Double { share * ratio / (share * ratio + 1 - share) }

    /// Makes the rows for a share strictly between 0 and 1.
    mutating func prepare(share: Double) {
        if share == self.share { return }
        self.share = share
        // 1 − θ = (1 − ρ)/(ρr + 1 − ρ): without the cancellation of 1 − θ itself.
        func denominator(_ ratio: Double) -> Double { share * ratio + 1 - share }
        for (lane, ratio) in alternatives.enumerated() {
            stableLogs[lane] = log(denominator(null) / denominator(ratio))
            canaryLogs[lane] = log(ratio / null) + stableLogs[lane]
        }
    }

    /// The logarithms of the likelihood ratios of so many events; a ratio of 0 with an event of the canary: -infinity.
    func logs(canary: UInt64, stable: UInt64) -> SIMD8<Double> {
        var logs = stableLogs * Double(stable)
        // 0 · -infinity would be no number.
        if canary > 0 { logs += canaryLogs * Double(canary) }
        return logs
    }
}
