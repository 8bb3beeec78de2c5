// What an arm does to its requests, as shares.

internal import Rollout

struct ArmRates: Equatable {
    var late: Double
    var errors: Double
    var decisions: Double
    /// Above stable's p50, p90, p95, p99.
    var slower: SIMD4<Double>
    /// Bins that the scores move up.
    var scoreShift: Double = 0

    static func stable(_ plan: SimulationPlan) -> ArmRates {
        ArmRates(
            late: plan.late, errors: plan.errors, decisions: plan.decisions, slower: SIMD4(0.5, 0.1, 0.05, 0.01))
    }

    /// A candidate with `ratio` times everything.
    func times(_ ratio: Double) -> ArmRates {
        var rates = self
        rates.late = min(late * ratio, 1)
        rates.errors = min(errors * ratio, 1)
        rates.decisions = min(decisions * ratio, 1)
        rates.slower = (slower * ratio).clamped(lowerBound: .zero, upperBound: .one)
        return rates
    }

    /// With a part of a fault, from 0 to 1.
    func with(_ fault: SimulationPlan.Fault, part: Double) -> ArmRates {
        func blend(_ from: Double, _ to: Double?) -> Double { to.map { from + ($0 - from) * part } ?? from }
        var rates = self
        rates.late = blend(late, fault.late)
        rates.errors = blend(errors, fault.errors)
        rates.decisions = min(blend(decisions, fault.decisions.map { $0 * decisions }), 1)
        rates.scoreShift = blend(0, fault.scoreShift)
        // What is late is above every quantile.
        rates.slower = pointwiseMax(slower, SIMD4(repeating: rates.late))
        return rates
    }
}
