// What the guard of one rollout tests, and how sure it has to be.

public struct GuardSettings: Equatable, Sendable {
    /// What crossing a quantile of stable's latency more often leads to.
    public enum Consequence: String, Sendable, CaseIterable {
        case off, pause, rollback
    }

    /// Names of the quantiles of `ArmCounts.slower`.
    public static let quantileNames = ["p50", "p90", "p95", "p99"]

    /// The probability of rolling a healthy candidate back within the horizon; several canaries share one.
    public var alpha = 0.001
    /// The same for a pause.
    public var pauseAlpha = 0.001
    /// T: 100 ms each.
    public var horizonTicks: UInt64 = 36_000
    /// Beyond the horizon, and without one: a mean time between false alarms of at least 1/alphaPerDay days.
    public var alphaPerDay = 0.001

    /// p0 of `late` and of `errors`; nil: not tested.
    public var lateBudget: Double? = 0.01
    public var errorBudget: Double? = 0.001
    /// r0 of errors, lateness and latency quantiles.
    public var ratioTolerance = 1.25
    /// r0 of decisions, in both directions; nil: not tested.
    public var decisionTolerance: Double? = 1.25
    /// By quantile.
    public var slower: [Consequence] = [.pause, .pause, .pause, .rollback]
    public var watchesScores = true
    /// Keys repeat and keep their arm: promotion goes by the candidate's own rate alone.
    public var isSticky = false

    /// Stable's own shares before the rollout; nil: not known.
    public var lateBefore: Double?
    public var errorsBefore: Double?
    /// So many times its own share before is far above it.
    public static let farAbove = 3.0

    /// Ticks after the candidate's first request that are left out.
    public var warmUpTicks: UInt64 = 0

    /// β: the probability of promoting a candidate that is not good enough, a step.
    public var promotionBeta = 0.05
    /// r_max: a candidate within p_max or within this ratio is good enough. p_max is the budget.
    public var promotionRatioMax = 2.0

    public init() {}

    /// Ticks of a day.
    static let dayTicks = 864_000.0
}

extension GuardSettings {
    /// A share that stable is far above its own beyond: nil where it is unknown or the budget is as strict.
    static func farAbove(_ before: Double?, budget: Double?) -> Double? {
        guard let before, let budget else { return nil }
        let far = max(before, 1e-5) * farAbove
        return far < budget ? far : nil
    }
}
