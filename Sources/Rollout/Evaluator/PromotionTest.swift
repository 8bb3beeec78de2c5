// Is the candidate good enough for the next step?  Plain products, fresh at each step, of `late` or of `errors`:
//
//     E_rel = mean over r_k ∈ {0, .25, .5, .75, 1, 1.5} of Π (θ(r_k)/θ(r_max))^b_c · ((1−θ(r_k))/(1−θ(r_max)))^b_s
//     E_abs = mean over f ∈ {0, .02, .1, .25, .5, .75}  of Π f^bad · ((1 − f·p_max)/(1 − p_max))^good
//     promote when (E_rel + E_abs)/2 ≥ 1/β
//
// What it rejects is "rate ≥ p_max *and* ratio ≥ r_max", which is what a person means by "not good enough".  Never
// Shiryaev–Roberts here: summed over all starts it is sure to cross in the end, and its type I error is 1.  Where keys
// repeat under sticky routing only E_abs speaks: the cap by key spoils the ratio.

internal import Glibc

struct PromotionTest: Equatable, Sendable {
    static let ratios: [Double] = [0, 0.25, 0.5, 0.75, 1, 1.5]
    static let fractions: [Double] = [0, 0.02, 0.1, 0.25, 0.5, 0.75]

    let rateMax: Double
    /// Whether E_rel speaks too.
    let usesRatio: Bool
    private var ratio: EventRatio
    /// log of each product of E_rel.
    private var ratioLogs = SIMD8<Double>()
    /// The canary's requests of this step.
    private(set) var good: UInt64 = 0
    private(set) var bad: UInt64 = 0

    init(rateMax: Double, ratioMax: Double, usesRatio: Bool) {
        precondition(rateMax > 0 && rateMax < 1 && ratioMax > 1.5)
        self.rateMax = rateMax
        self.usesRatio = usesRatio
        ratio = EventRatio(null: ratioMax, alternatives: Self.ratios)
    }

    mutating func step(_ part: CohortPart, canaryBad: UInt32, stableBad: UInt32) {
        bad += UInt64(canaryBad)
        good += UInt64(part.canary.requests - min(canaryBad, part.canary.requests))
        guard usesRatio, canaryBad | stableBad != 0, part.share > 0, part.share < 1 else { return }
        ratio.prepare(share: part.share)
        ratioLogs += ratio.logs(canary: UInt64(canaryBad), stable: UInt64(stableBad))
    }

    /// log E_rel; 0 where it has seen no event.
    var logRatioEvidence: Double { Self.logMean((0..<Self.ratios.count).map { ratioLogs[$0] }) }

    /// log E_abs.
    var logRateEvidence: Double {
        let perBad = Double(bad)
        return Self.logMean(
            Self.fractions.map { fraction in
                (bad == 0 ? 0 : perBad * log(fraction)) + Double(good) * log1p((1 - fraction) * rateMax / (1 - rateMax))
            })
    }

    /// log of what is held against log(1/β).
    var logEvidence: Double {
        usesRatio ? Self.logMean([logRatioEvidence, logRateEvidence]) : logRateEvidence
    }

    private static func logMean(_ logs: [Double]) -> Double {
        guard let highest = logs.max(), highest > -.infinity else { return -.infinity }
        return highest + log(logs.reduce(0) { $0 + exp($1 - highest) } / Double(logs.count))
    }

    /// A new step begins.
    mutating func reset() {
        ratioLogs = .zero
        (good, bad) = (0, 0)
    }

    /// Requests of the candidate without one bad that suffice, where stable has none either.
    static func cleanRequests(rateMax: Double, usesRatio: Bool, beta: Double) -> Int {
        PromotionTest(rateMax: rateMax, ratioMax: 2, usesRatio: usesRatio).cleanRequestsMissing(beta: beta)
    }

    /// The same on top of what it has seen.
    func cleanRequestsMissing(beta: Double) -> Int {
        let needed = -log(beta)
        if logEvidence >= needed { return 0 }
        var test = self
        func suffices(_ more: Int) -> Bool {
            test.good = good + UInt64(more)
            return test.logEvidence >= needed
        }
        var (low, high) = (0, 1)
        while !suffices(high), high < 1 << 50 { (low, high) = (high, high * 2) }
        while high - low > 1 {
            let middle = (low + high) / 2
            if suffices(middle) { high = middle } else { low = middle }
        }
        return high
    }
}

extension PromotionTest: Storable {
    func write(to snapshot: inout SnapshotWriter) {
        for lane in 0..<Evidence.lanesMax { snapshot.write(ratioLogs[lane]) }
        snapshot.write(good)
        snapshot.write(bad)
    }

    mutating func read(from snapshot: inout SnapshotReader) throws(SnapshotError) {
        for lane in 0..<Evidence.lanesMax { ratioLogs[lane] = try snapshot.number() }
        good = try snapshot.integer()
        bad = try snapshot.integer()
    }
}
