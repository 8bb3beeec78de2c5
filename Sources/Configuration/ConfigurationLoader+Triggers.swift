// `triggers` and `on_new_version` of a model.

extension ConfigurationLoader {
    static let triggerFields = ["name", "when", "webhook", "cooldown", "retry"]
    static let triggersMax = 32
    private static let second: UInt64 = 1_000_000_000
    private static let hour: UInt64 = 3600 * second
    private static let samplesRange = 1...1_000_000_000

    static func readTriggers(
        _ value: YAMLValue, _ drift: DriftConfiguration
    ) throws(ConfigurationError) -> [TriggerConfiguration] {
        var triggers: [TriggerConfiguration] = []
        for item in try value.items("a list of triggers", countMax: triggersMax) {
            let trigger = try readTrigger(item, drift)
            guard !triggers.contains(where: { $0.name == trigger.name }) else {
                throw item.error("the name \(trigger.name) stands twice")
            }
            triggers.append(trigger)
        }
        return triggers
    }

    private static func readTrigger(
        _ value: YAMLValue, _ drift: DriftConfiguration
    ) throws(ConfigurationError) -> TriggerConfiguration {
        let fields = try value.fields(triggerFields)
        let name = try fields.required("name")
        guard ModelIdentifier.isName(try name.text("a name")) else {
            throw name.expected(ModelIdentifier.nameExpectation)
        }
        var trigger = TriggerConfiguration(
            name: try name.text("a name"), condition: try readCondition(fields.required("when"), drift),
            webhook: try readWebhook(fields.required("webhook")))
        if let cooldown = fields["cooldown"] { trigger.cooldownNanos = try cooldown.nanos(in: second...8760 * hour) }
        if let retry = fields["retry"] { trigger.retryNanos = try retry.nanos(in: second...168 * hour) }
        return trigger
    }

    private static func readWebhook(_ value: YAMLValue) throws(ConfigurationError) -> WebhookConfiguration {
        let fields = try value.fields(["url", "secret", "authorities", "timeout"])
        let url = try fields.required("url")
        guard let target = WebhookTarget(try url.text("a URL")) else { throw url.expected(WebhookTarget.expectation) }
        var webhook = WebhookConfiguration(
            target: target, secretFile: try fields.required("secret").text("a file that holds the secret"))
        if let authorities = fields["authorities"] {
            webhook.authorities = try authorities.text("a file")
            guard target.isSecure else { throw authorities.error("has no effect without https://") }
        }
        if let timeout = fields["timeout"] { webhook.timeoutNanos = try timeout.nanos(in: second / 10...60 * second) }
        return webhook
    }

    // MARK: Conditions

    /// What each kind of condition takes besides itself.
    private static let conditions = [
        "drift": ["of", "window"], "metric": ["below", "above", "window", "samples"],
        "label_delay": ["share", "window", "samples"], "violations": ["window", "samples"],
    ]

    private static func readCondition(
        _ value: YAMLValue, _ drift: DriftConfiguration
    ) throws(ConfigurationError) -> TriggerConfiguration.Condition {
        let keys = try value.entries("one of drift, metric, label_delay, violations").map(\.key)
        let kinds = ["drift", "metric", "label_delay", "violations"].filter(keys.contains)
        guard kinds.count == 1, let kind = kinds.first else {
            throw value.error(
                kinds.isEmpty
                    ? "needs one of drift, metric, label_delay, violations"
                    : "has \(kinds.joined(separator: " and ")): one condition a trigger")
        }
        let fields = try value.fields([kind] + (conditions[kind] ?? []))
        switch kind {
        case "drift": return try readDriftCondition(fields, drift)
        case "metric": return try readMetric(fields)
        case "label_delay": return try readLabelDelay(fields)
        default:
            return .violations(
                try share(fields.required(kind)), try window(fields, standard: .fiveMinutes),
                samplesMin: try samples(fields, standard: 1000))
        }
    }

    private static func readDriftCondition(
        _ fields: YAMLFields, _ drift: DriftConfiguration
    ) throws(ConfigurationError) -> TriggerConfiguration.Condition {
        let level = try fields.required("drift")
        guard drift.isOn else { throw level.error("the model's drift is not enabled: this would never fire") }
        var variables: [String] = []
        for item in try fields["of"]?.items("a list of features and scores", countMax: 4096) ?? [] {
            let name = try item.text("a feature's name, or a score's")
            guard !drift.silent.contains(name) else {
                throw item.error("\(name) is silent in this model's drift: this would never fire")
            }
            variables.append(name)
        }
        return .drift(
            try level.choice(TriggerConfiguration.DriftLevel.self), variables: variables,
            try window(fields, standard: .hour))
    }

    private static func readMetric(_ fields: YAMLFields) throws(ConfigurationError) -> TriggerConfiguration.Condition {
        let name = try fields.required("metric")
        let metric = try name.choice(AccuracyMetric.self)
        let below = try limit(fields["below"], metric, refusedWhere: .higher, "gets worse as it rises: say above")
        let above = try limit(fields["above"], metric, refusedWhere: .lower, "gets worse as it falls: say below")
        guard below != nil || above != nil else {
            throw name.error(metric.worse == .higher ? "needs the key above" : "needs the key below")
        }
        if let below, let above, below > above {
            throw (fields["below"] ?? name).error("\(below) is above \(above), so that every value would fire")
        }
        let window = try fields["window"]?.choice(TriggerConfiguration.LabelWindow.self) ?? .week
        return .metric(metric, below: below, above: above, window, samplesMin: try samples(fields, standard: 500))
    }

    private static func readLabelDelay(
        _ fields: YAMLFields
    ) throws(ConfigurationError) -> TriggerConfiguration.Condition {
        let delay = try fields.required("label_delay")
        let limit = try delay.choice(TriggerConfiguration.LabelDelay.self)
        let window = try fields["window"]?.choice(TriggerConfiguration.LabelWindow.self) ?? .all
        if let days = window.days, days <= limit.days {
            throw (fields["window"] ?? delay).error(
                "labels of these days' predictions cannot be later than \(limit.rawValue): this would never fire")
        }
        var part = 0.5
        if let value = fields["share"] { part = try share(value) }
        guard part < 1 else { throw (fields["share"] ?? delay).error("more than 100% is impossible") }
        return .labelDelay(limit, share: part, window, samplesMin: try samples(fields, standard: 100))
    }

    private static func limit(
        _ value: YAMLValue?, _ metric: AccuracyMetric, refusedWhere worse: AccuracyMetric.Worse, _ reason: String
    ) throws(ConfigurationError) -> Double? {
        guard let value else { return nil }
        guard metric.worse != worse else { throw value.error("\(metric.rawValue) \(reason)") }
        let number = try value.number()
        guard metric.range.contains(number) else {
            throw value.expected("\(Int(metric.range.lowerBound)) to \(Int(metric.range.upperBound))")
        }
        return number
    }

    private static func window(
        _ fields: YAMLFields, standard: TriggerConfiguration.Window
    ) throws(ConfigurationError) -> TriggerConfiguration.Window {
        try fields["window"]?.choice(TriggerConfiguration.Window.self) ?? standard
    }

    private static func samples(_ fields: YAMLFields, standard: UInt64) throws(ConfigurationError) -> UInt64 {
        UInt64(try fields["samples"]?.integer(in: samplesRange) ?? Int(standard))
    }

    /// `1%`, above 0 and up to 100%.
    private static func share(_ value: YAMLValue) throws(ConfigurationError) -> Double {
        let text = try value.text("a share such as 1%")
        guard text.hasSuffix("%"), let number = ScalarText.number(String(text.dropLast())), number > 0, number <= 100
        else { throw value.expected("a share above 0% and up to 100%, such as 1%") }
        return number / 100
    }

    // MARK: New versions

    /// `ignore`, `load` or `{rollout: FILE or the plan's text, approval: none or required}`.
    static func readNewVersion(_ value: YAMLValue) throws(ConfigurationError) -> NewVersionPolicy {
        guard value.isMapping else {
            switch try value.text("ignore, load or a rollout") {
            case "ignore": return .ignore
            case "load": return .load
            default: throw value.expected("ignore, load or {rollout: PLAN}")
            }
        }
        let fields = try value.fields(["rollout", "approval"])
        let plan = try fields.required("rollout").text("a plan's file, or the plan itself")
        var needsApproval = false
        if let approval = fields["approval"] {
            needsApproval = try approval.choice(of: [Approval.none, .required]) == .required
        }
        // A plan has steps, and more than a line as a rule; a file's name has neither.
        let isText = plan.contains("\n") || plan.contains("steps:")
        return .rollout(plan: isText ? .text(plan) : .file(plan), needsApproval: needsApproval)
    }

    private enum Approval: String { case none, required }
}
