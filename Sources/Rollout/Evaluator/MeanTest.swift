// (ii) Clustered events, canary against stable: late requests, and (iii) those above a quantile of stable's latency.
//
//     H0: E[X_c | past] ≤ r0 · E[X_s | past],   X = bad/n of an arm's tick
//     L_k = 1 + λ_k · (X_c − r0·X_s)            1 where an arm is empty
//
// Lateness comes in bursts inside one arm (one stall, thirty late requests), which are no thirty independent coins: the
// θ form fired in 67 to 100% of healthy runs with stalls of 30 ms in one arm, this form in none.  λ ≤ 1/r0 keeps L ≥ 0.
// (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting".)

struct MeanTest: Equatable, Sendable {
    static let bets: [Double] = [0.02, 0.08, 0.2, 0.4, 0.8]

    let tolerance: Double
    private(set) var evidence: Evidence
    private let slopes: SIMD8<Double>

    /// - Parameter tolerance: r0, from 1 up; bets above 1/r0 are left out.
    init(tolerance: Double) {
        precondition(tolerance >= 1 && tolerance <= 50)
        self.tolerance = tolerance
        let allowed = Self.bets.filter { $0 <= 1 / tolerance }
        var slopes = SIMD8<Double>()
        for (lane, bet) in allowed.enumerated() { slopes[lane] = bet }
        self.slopes = slopes
        evidence = Evidence(lanes: allowed.count)
    }

    mutating func step(canaryBad: UInt32, of canary: UInt32, stableBad: UInt32, of stable: UInt32) {
        if canary == 0 || stable == 0 || (canaryBad | stableBad) == 0 { return evidence.rest() }
        let deviation = Double(canaryBad) / Double(canary) - tolerance * Double(stableBad) / Double(stable)
        // 1 − λ·r0·X_s may fall below 0 by a rounding where λ = 1/r0.
        evidence.step((1 + slopes * deviation).clamped(lowerBound: .zero, upperBound: SIMD8(repeating: 2)))
    }

    mutating func rest(_ ticks: Double) { evidence.rest(ticks) }
}

extension MeanTest: Storable {
    func write(to snapshot: inout SnapshotWriter) { evidence.write(to: &snapshot) }

    mutating func read(from snapshot: inout SnapshotReader) throws(SnapshotError) { try evidence.read(from: &snapshot) }
}
