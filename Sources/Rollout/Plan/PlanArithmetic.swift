// How much traffic a plan needs before it can say anything, in requests and in time.

internal import Glibc

public enum PlanArithmetic {
    public struct Refusal: Equatable, Sendable {
        /// Of the plan's steps; -1: the plan as a whole.
        public let step: Int
        public let message: String
    }

    /// A rate so many times the budget is what a guard must be able to see within the plan.
    static let faultFactor = 10.0

    /// Requests of the candidate without a bad one, after which it may be promoted.
    public static func requestsToPromote(_ settings: GuardSettings, isSticky: Bool) -> Int {
        [settings.lateBudget, settings.errorBudget].compactMap { $0 }.map {
            PromotionTest.cleanRequests(rateMax: $0, usesRatio: !isSticky, beta: settings.promotionBeta)
        }.max() ?? 0
    }

    /// Requests of the candidate after which (i) has seen a rate so many times the budget, on average and at least:
    /// log(T/(α·w)) over the information of a request, which is the divergence of the two rates.
    static func requestsToDetect(_ budget: Double, factor: Double, _ settings: GuardSettings, tests: Double) -> Int {
        let rate = min(budget * factor, 0.99)
        let information = rate * log(rate / budget) + (1 - rate) * log((1 - rate) / (1 - budget))
        let lanes = Double(SLOTest.factors.filter { $0 * budget < 1 }.count)
        // Of many starts the sum takes about 1/information: the statistic needs that much less.
        let needed = log(Double(settings.horizonTicks) / settings.alpha * tests * lanes) + log(information)
        return Int((max(needed, 1) / information).rounded(.up))
    }

    /// Why the plan could never decide at this rate of the model; nil: it could.
    /// - Parameter rate: requests a second.
    public static func refusal(of plan: RolloutPlan, rate: Double, isSticky: Bool) -> Refusal? {
        let settings = plan.guardSettings
        let promotion = requestsToPromote(settings, isSticky: isSticky)
        for (index, step) in plan.steps.enumerated() {
            let needed = max(promotion, Int(step.samples))
            let seconds = Double(needed) / (rate * step.percent / 100)
            guard seconds > Double(step.maxNanos) / 1e9 else { continue }
            return Refusal(
                step: index,
                message:
                    "can never decide: needs \(needed) requests of the candidate, at \(number(rate)) requests/s and "
                    + "\(number(step.percent))% that is \(time(seconds)); max is \(time(Double(step.maxNanos) / 1e9))")
        }
        let tests = Evaluator(settings, startTick: 0).rollbackTests
        let detection =
            [settings.lateBudget, settings.errorBudget].compactMap { $0 }.map {
                requestsToDetect($0, factor: faultFactor, settings, tests: tests)
            }.max() ?? 0
        let available = plan.steps.reduce(0) { $0 + rate * $1.percent / 100 * Double($1.maxNanos) / 1e9 }
        guard Double(detection) > available else { return nil }
        let highest = plan.steps.map(\.percent).max() ?? 0
        return Refusal(
            step: -1,
            message: "the guard could never see a rate of \(number(faultFactor)) times its budget: needs \(detection) "
                + "requests of the candidate, at \(number(rate)) requests/s and \(number(highest))% that is "
                + "\(time(Double(detection) / (rate * highest / 100)))")
    }

    public static func number(_ value: Double) -> String {
        if let whole = Int(exactly: value) { return String(whole) }
        return "\((value * 10_000).rounded() / 10_000)"
    }

    /// A time for people: two digits of its largest unit.
    public static func time(_ seconds: Double) -> String {
        let units = [(86_400.0, "days"), (3600, "h"), (60, "min"), (1, "s")]
        let (size, name) = units.first { seconds >= $0.0 } ?? (1, "s")
        return "\(number((seconds / size * 10).rounded() / 10)) \(name)"
    }
}
