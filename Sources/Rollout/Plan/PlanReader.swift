// A plan from YAML, strictly: an unknown key, a wrong unit or a contradiction names file, line and what is allowed.
//
//     text ─► YAMLValue ─► fields, here ─► contradictions and arithmetic, in +Checks ─► RolloutPlan

public import Configuration

public enum PlanReader {
    static let bytesMax = 1 << 20
    static let stepsMax = 64
    private static let second: UInt64 = 1_000_000_000
    static let dayNanos: UInt64 = 86_400 * second
    static let timeRange: ClosedRange<UInt64> = 0...365 * dayNanos

    /// Reads a file.
    public static func read(_ path: String) throws(ConfigurationError) -> RolloutPlan {
        try read(YAMLDocument.parse(FileBytes.read(path, limit: bytesMax), source: path))
    }

    /// - Parameter source: the name in errors.
    public static func parse(_ bytes: [UInt8], source: String) throws(ConfigurationError) -> RolloutPlan {
        try read(YAMLDocument.parse(bytes, source: source))
    }

    static let keys = [
        "model", "candidate", "stable", "alpha", "pause_alpha", "alpha_per_day", "horizon", "rate", "steps", "guards",
        "promotion", "warm_up", "bake", "max_change", "second_person", "freeze", "drill", "simulation",
    ]

    static func read(_ value: YAMLValue) throws(ConfigurationError) -> RolloutPlan {
        let fields = try value.fields(keys)
        var plan = RolloutPlan()
        if let name = fields["model"] {
            plan.model = try name.text("a model's name")
            guard ModelIdentifier.isName(plan.model ?? "") else { throw name.expected(ModelIdentifier.nameExpectation) }
        }
        plan.candidate = try version(fields["candidate"])
        plan.stable = try version(fields["stable"])
        if let candidate = fields["candidate"], plan.candidate == plan.stable {
            throw candidate.error("version \(plan.candidate ?? "") is stable and candidate; name another candidate")
        }
        try readLevels(fields, &plan)
        try readTimes(fields, &plan)
        try readGuards(fields["guards"], &plan)
        try readPromotion(fields["promotion"], &plan)
        if let change = fields["max_change"] { plan.changeMax = try percent(change) }
        if let second = fields["second_person"] { plan.needsSecondPerson = try second.boolean() }
        if let drill = fields["drill"] { plan.isDrill = try drill.boolean() }
        if let freeze = fields["freeze"] { plan.freezes = try readFreezes(freeze) }
        for step in try fields.required("steps").items("a list of steps", countMax: stepsMax) {
            plan.steps.append(try readStep(step))
        }
        if let simulation = fields["simulation"] { plan.simulation = try readSimulation(simulation) }
        try check(plan, fields)
        return plan
    }

    private static func version(_ value: YAMLValue?) throws(ConfigurationError) -> String? {
        guard let value else { return nil }
        let text = try value.text("a version")
        guard ModelIdentifier.versionNumber(text) != nil else {
            throw value.expected("a version: \(ModelIdentifier.versionExpectation)")
        }
        return text
    }

    private static func readLevels(_ fields: YAMLFields, _ plan: inout RolloutPlan) throws(ConfigurationError) {
        if let alpha = fields["alpha"] {
            plan.guardSettings.alpha = try level(alpha)
            plan.guardSettings.pauseAlpha = plan.guardSettings.alpha
            plan.guardSettings.alphaPerDay = plan.guardSettings.alpha
        }
        if let alpha = fields["pause_alpha"] { plan.guardSettings.pauseAlpha = try level(alpha) }
        if let alpha = fields["alpha_per_day"] { plan.guardSettings.alphaPerDay = try level(alpha) }
    }

    private static func readTimes(_ fields: YAMLFields, _ plan: inout RolloutPlan) throws(ConfigurationError) {
        if let horizon = fields["horizon"] {
            let nanos = try horizon.nanos(in: 60 * second...365 * dayNanos)
            plan.guardSettings.horizonTicks = nanos / GuardCounterShape.tickNanos
        }
        if let warmUp = fields["warm_up"] {
            let nanos = try warmUp.nanos(in: 0...3600 * second)
            plan.guardSettings.warmUpTicks = (nanos + GuardCounterShape.tickNanos - 1) / GuardCounterShape.tickNanos
        }
        if let bake = fields["bake"] { plan.bakeNanos = try bake.nanos(in: timeRange) }
        if let rate = fields["rate"] { plan.rate = try readRate(rate) }
    }

    private static func readStep(_ value: YAMLValue) throws(ConfigurationError) -> RolloutPlan.Step {
        let fields = try value.fields(["percent", "min", "max", "samples", "gate", "before", "after"])
        var step = RolloutPlan.Step(
            percent: try percent(try fields.required("percent")),
            minNanos: try fields["min"]?.nanos(in: timeRange) ?? 0,
            maxNanos: try fields.required("max").nanos(in: second...365 * dayNanos),
            samples: UInt64(try fields["samples"]?.integer(in: 1...1_000_000_000) ?? 100))
        if let gate = fields["gate"] { step.isGated = try gate.boolean() }
        step.before = try readHook(fields["before"])
        step.after = try readHook(fields["after"])
        return step
    }

    private static func readHook(_ value: YAMLValue?) throws(ConfigurationError) -> RolloutPlan.Hook? {
        guard let value else { return nil }
        let fields = try value.fields(["url", "timeout"])
        let url = try fields.required("url")
        var hook = RolloutPlan.Hook(url: try url.text("a URL"))
        guard hook.url.hasPrefix("http://") || hook.url.hasPrefix("https://"), hook.url.utf8.count <= 2048,
            hook.url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { throw url.expected("a URL that begins with http:// or https://") }
        if let timeout = fields["timeout"] { hook.timeoutNanos = try timeout.nanos(in: second / 10...3600 * second) }
        return hook
    }

    private static func readPromotion(_ value: YAMLValue?, _ plan: inout RolloutPlan) throws(ConfigurationError) {
        guard let value else { return }
        let fields = try value.fields(["beta", "ratio"])
        if let beta = fields["beta"] { plan.guardSettings.promotionBeta = try level(beta) }
        if let ratio = fields["ratio"] {
            plan.guardSettings.promotionRatioMax = try number(ratio, above: 1.5, upTo: 100)
        }
    }
}
