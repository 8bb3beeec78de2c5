// The `models:` section: names of the model author's choice, each with fixed fields.

extension ConfigurationLoader {
    static let modelFields = [
        "load", "required", "require", "budget", "timeout", "max_rows", "clients", "rate", "queue", "fallback", "route",
        "watch", "drift", "decisions", "feedback", "explain", "triggers", "on_new_version",
    ]
    static let routeFields = [
        "stable", "canary", "arms", "shadow", "sticky", "labels", "segments", "override",
    ]
    /// Budgets make sense from a microsecond to an hour.
    static let budgetRange: ClosedRange<UInt64> = 1000...3_600_000_000_000
    static let rowsRange = 1...65536
    /// Requests a second.
    static let rateRange = 0...1_000_000
    static let latestRange = 1...1000

    static func readModels(_ section: YAMLValue) throws(ConfigurationError) -> [ModelConfiguration] {
        var models: [ModelConfiguration] = []
        for (name, value) in try section.entries("a mapping of model names") {
            guard ModelIdentifier.isName(name) else {
                throw value.error("a model's name is \(ModelIdentifier.nameExpectation)")
            }
            models.append(try readModel(value, name: name))
        }
        return models
    }

    static func readSigningKeys(_ value: YAMLValue?) throws(ConfigurationError) -> [String] {
        var files: [String] = []
        for item in try value?.items("a list of files", countMax: 64) ?? [] { files.append(try item.text("a file")) }
        return files
    }

    private static func readModel(_ value: YAMLValue, name: String) throws(ConfigurationError) -> ModelConfiguration {
        var model = ModelConfiguration(name: name)
        if value.isNull { return model }
        let fields = try value.fields(modelFields)
        if let load = fields["load"] { model.load = try readLoad(load) }
        if let required = fields["required"] { model.isRequired = try required.boolean() }
        if let budget = fields["budget"] { model.budgetNanos = try budget.nanos(in: budgetRange) }
        if let timeout = fields["timeout"] { model.timeout = try readTimeout(timeout) }
        if let rows = fields["max_rows"] { model.rowsMax = try rows.integer(in: rowsRange) }
        if let require = fields["require"] {
            for item in try require.items("a list such as [golden]") {
                model.requirements.append(try item.choice(ModelConfiguration.Requirement.self))
            }
        }
        if let clients = fields["clients"] { model.clients = try readClients(clients) }
        if let rate = fields["rate"] { model.rate = try rate.integer(in: rateRange) }
        if let watch = fields["watch"] { model.isWatched = try watch.boolean() }
        if let queue = fields["queue"], !queue.isNull { model.queue = try readQueue(queue) }
        if let drift = fields["drift"], !drift.isNull { model.drift = try readDrift(drift) }
        if let decisions = fields["decisions"], !decisions.isNull { model.decisions = try readDecisions(decisions) }
        if let feedback = fields["feedback"], !feedback.isNull { model.feedback = try readFeedback(feedback) }
        if let explain = fields["explain"], !explain.isNull { model.explanation = try readExplanation(explain) }
        if let triggers = fields["triggers"], !triggers.isNull {
            model.triggers = try readTriggers(triggers, model.drift)
        }
        if let policy = fields["on_new_version"] { model.onNewVersion = try readNewVersion(policy) }
        if let fallback = fields["fallback"], !fallback.isNull {
            model.fallback = try readFallback(fallback, model: name)
        }
        if let route = fields["route"], !route.isNull {
            model.route = try readRoute(route, load: model.load)
        }
        return model
    }

    /// `{default: 10ms, max: 1s}`
    private static func readTimeout(_ value: YAMLValue) throws(ConfigurationError) -> ModelConfiguration.Timeout {
        var timeout = ModelConfiguration.Timeout()
        let fields = try value.fields(["default", "max"])
        if let max = fields["max"] { timeout.maxNanos = try max.nanos(in: budgetRange) }
        guard let standard = fields["default"] else { return timeout }
        if (try? standard.text()) == "none" { return timeout }
        let nanos = try standard.nanos(in: budgetRange)
        guard nanos <= timeout.maxNanos else {
            throw standard.error("is above max, which is \(Quantity.duration(nanos: timeout.maxNanos))")
        }
        timeout.standardNanos = nanos
        return timeout
    }

    /// `all`, `{latest: 2}` or `["1", "2"]`.
    private static func readLoad(_ value: YAMLValue) throws(ConfigurationError) -> ModelConfiguration.Load {
        if value.isMapping {
            return .latest(try value.fields(["latest"]).required("latest").integer(in: latestRange))
        }
        if value.isSequence {
            var versions: [String] = []
            for item in try value.items() {
                let version = try readVersion(item)
                guard !versions.contains(version) else { throw item.error("version \(version) stands twice") }
                versions.append(version)
            }
            guard !versions.isEmpty else { throw value.expected("at least one version") }
            return .versions(versions)
        }
        guard try value.text() == "all" else {
            throw value.expected("all, {latest: 2} or a list such as [\"1\", \"2\"]")
        }
        return .all
    }

    static func readVersion(_ value: YAMLValue) throws(ConfigurationError) -> String {
        let version = try value.text("a version")
        guard ModelIdentifier.versionNumber(version) != nil else {
            throw value.expected("a version: \(ModelIdentifier.versionExpectation)")
        }
        return version
    }
}
