// What contradicts itself in a plan, and what could never come to an end.

internal import Configuration

extension PlanReader {
    static func check(_ plan: RolloutPlan, _ fields: YAMLFields) throws(ConfigurationError) {
        let steps = try fields.required("steps")
        let items = try steps.items()
        guard !plan.steps.isEmpty else { throw steps.error("needs at least one step") }
        var before = 0.0
        for (step, item) in zip(plan.steps, items) {
            guard step.percent > before else {
                throw item.error("goes from \(digits(before))% to \(digits(step.percent))%; steps rise")
            }
            guard step.minNanos <= step.maxNanos else { throw item.error("min is above max") }
            try checkChange(from: before, to: step.percent, plan, item)
            before = step.percent
        }
        if let last = items.last, before < 100 { try checkChange(from: before, to: 100, plan, last) }
        let horizon = plan.guardSettings.horizonTicks * GuardCounterShape.tickNanos
        guard plan.nanosMax <= horizon else {
            throw (fields["horizon"] ?? steps).error(
                "the steps' max and bake are \(PlanArithmetic.time(Double(plan.nanosMax) / 1e9)) together, the horizon "
                    + "\(PlanArithmetic.time(Double(horizon) / 1e9)); raise horizon, or shorten them")
        }
        guard plan.guardSettings.lateBudget != nil || plan.guardSettings.errorBudget != nil else {
            throw (fields["guards"] ?? fields.owner).error(
                "late and errors are both off: nothing could ever promote the candidate; give one of them a budget")
        }
        if let rate = plan.rate, let refusal = PlanArithmetic.refusal(of: plan, rate: rate, isSticky: false) {
            throw (items.indices.contains(refusal.step) ? items[refusal.step] : steps).error(refusal.message)
        }
    }

    private static func checkChange(
        from before: Double, to after: Double, _ plan: RolloutPlan, _ item: YAMLValue
    ) throws(ConfigurationError) {
        guard after - before <= plan.changeMax else {
            throw item.error(
                "moves \(digits(after - before)) points of traffic at once, from \(digits(before))% to \(digits(after))%; "
                    + "max_change is \(digits(plan.changeMax))")
        }
    }
}
