// (i) Absolute breach: more requests of an arm are bad than the budget allows.
//
//     H0: E[X_t | past] ≤ p0,   X_t = bad/n of the requests routed in tick t
//     L_k = 1 + (p_k − p0)/(p0·(1 − p0)) · (X_t − p0)          1 where n = 0
//
// A tick is one observation, whatever it holds: within it requests may depend on each other as they like, so a stall of
// 50 ms is one bad tick and not 50 bad requests.  (The product of Bernoulli likelihoods over single requests fired in
// every run with a 50 ms stall each 100 s.)  L is a bet on the tick's mean, linear in it: E[L | past] ≤ 1 whenever
// E[X | past] ≤ p0, and L > 0 because p_k < 1.  It grows with X: with pending requests taken as good it can only be
// too small, so it may be looked at early.

struct SLOTest: Equatable, Sendable {
    /// The alternatives, as multiples of p0.
    static let factors: [Double] = [1.25, 1.5, 2, 3, 5, 10, 25, 80]

    /// The share of bad requests that is allowed.
    let budget: Double
    private(set) var evidence: Evidence
    /// (p_k − p0)/(p0·(1 − p0))
    private let slopes: SIMD8<Double>

    /// - Parameter budget: above 0, below 0.8: at least one alternative is below 1.
    init(budget: Double) {
        precondition(budget > 0 && budget < 0.8)
        self.budget = budget
        let alternatives = Self.factors.map { $0 * budget }.filter { $0 < 1 }
        var slopes = SIMD8<Double>()
        for (lane, alternative) in alternatives.enumerated() {
            slopes[lane] = (alternative - budget) / (budget * (1 - budget))
        }
        self.slopes = slopes
        evidence = Evidence(lanes: alternatives.count)
    }

    mutating func step(bad: UInt32, of count: UInt32) {
        guard count > 0 else { return evidence.rest() }
        let deviation = Double(bad) / Double(count) - budget
        evidence.step(1 + slopes * deviation)
    }

    mutating func rest(_ ticks: Double) { evidence.rest(ticks) }
}

extension SLOTest: Storable {
    func write(to snapshot: inout SnapshotWriter) { evidence.write(to: &snapshot) }

    mutating func read(from snapshot: inout SnapshotReader) throws(SnapshotError) { try evidence.read(from: &snapshot) }
}
