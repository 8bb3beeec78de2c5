// A scenario's YAML, read strictly: an unknown key, a wrong unit or a missing bound is an error that names file, line,
// field and what was expected.

public import Configuration

public enum ScenarioReader {
    static let fields = [
        "name", "about", "target", "targets", "tls", "models", "seed", "confidence", "classes", "phases", "steps",
        "budgets",
    ]

    /// Reads a scenario from a file.
    /// - Parameter targets: what the command line says of targets, by name; wins over the file.
    public static func read(_ path: String, targets: [String: Target] = [:]) throws(ConfigurationError) -> Scenario {
        try read(YAMLDocument.read(path), targets: targets)
    }

    public static func read(
        _ value: YAMLValue, targets: [String: Target] = [:]
    ) throws(ConfigurationError) -> Scenario {
        let fields = try value.fields(fields)
        var scenario = Scenario(
            name: try fields.required("name").text(), about: try fields["about"]?.text(), targets: [:],
            tls: TLSFiles(), models: try fields["models"]?.text() ?? "models",
            seed: UInt64(try fields["seed"]?.integer(in: 0...Int.max) ?? 1), classes: [], phases: [], steps: [],
            budgets: [], confidence: 0.99)
        if let confidence = fields["confidence"] {
            scenario.confidence = try number(confidence, in: 0.5...0.9999, "a share such as 0.99")
        }
        scenario.targets = try readTargets(fields, targets)
        scenario.tls = try readTLS(fields["tls"], scenario.targets)
        for item in try fields.required("classes").items(countMax: Scenario.classesMax) {
            let entry = try readClass(item, targets: scenario.targets)
            guard !scenario.classes.contains(where: { $0.name == entry.name }) else {
                throw item.error("the class \(entry.name) stands twice")
            }
            scenario.classes.append(entry)
        }
        if scenario.classes.isEmpty { throw value.error("needs a class at least") }
        for item in try fields.required("phases").items(countMax: Scenario.phasesMax) {
            let phase = try readPhase(item, classes: scenario.classes)
            guard !scenario.phases.contains(where: { $0.name == phase.name }) else {
                throw item.error("the phase \(phase.name) stands twice")
            }
            scenario.phases.append(phase)
        }
        if scenario.phases.isEmpty { throw value.error("needs a phase at least") }
        guard scenario.seconds <= Scenario.secondsMax else {
            throw value.error("lasts \(Text.number(scenario.seconds)) s in all, at most a day is allowed")
        }
        for item in try fields["steps"]?.items(countMax: 1000) ?? [] {
            scenario.steps.append(try readStep(item, seconds: scenario.seconds))
        }
        scenario.steps.sort { $0.seconds < $1.seconds }
        if let budgets = fields["budgets"] { scenario.budgets = try readBudgets(budgets, scenario) }
        return scenario
    }

    // MARK: Targets

    private static func readTargets(
        _ fields: YAMLFields, _ overrides: [String: Target]
    ) throws(ConfigurationError) -> [String: Target] {
        var targets: [String: Target] = [:]
        if let target = fields["target"] { targets["default"] = try readTarget(target) }
        for (name, target) in try fields["targets"]?.entries() ?? [] { targets[name] = try readTarget(target) }
        for (name, target) in overrides {
            guard name == "default" || targets[name] != nil else {
                throw fields.owner.error(
                    "has no target \(quoted(name)), which --target names (known here: "
                        + "\(Set(targets.keys).union(["default"]).sorted().joined(separator: ", ")))")
            }
            targets[name] = target
        }
        return targets
    }

    private static func readTarget(_ value: YAMLValue) throws(ConfigurationError) -> Target {
        guard let target = Target(try value.text("a URL")) else { throw value.expected(Target.expectation) }
        return target
    }

    private static func readTLS(
        _ value: YAMLValue?, _ targets: [String: Target]
    ) throws(ConfigurationError) -> TLSFiles {
        guard let value else { return TLSFiles() }
        let fields = try value.fields(["authority", "certificate", "key", "server_name"])
        guard targets.values.contains(where: \.isSecure) else {
            throw value.error("is used by no target: none of them is https")
        }
        let files = TLSFiles(
            authority: try fields["authority"]?.text(), certificate: try fields["certificate"]?.text(),
            key: try fields["key"]?.text(), serverName: try fields["server_name"]?.text())
        if (files.certificate == nil) != (files.key == nil) {
            throw fields.owner.error("certificate and key belong together; one of them is missing")
        }
        for name in ["authority", "certificate", "key"] {
            if let file = fields[name] { try checkFile(file) }
        }
        return files
    }

    /// Now, rather than when the first connection is made: `--check` ends before it.
    private static func checkFile(_ value: YAMLValue) throws(ConfigurationError) {
        let path = try value.text()
        do throws(ConfigurationError) { _ = try FileBytes.read(path, limit: 16 << 20) } catch {
            throw value.error("\(error)")
        }
    }

    // MARK: Values

    static func number(
        _ value: YAMLValue, in range: ClosedRange<Double>, _ what: String
    ) throws(ConfigurationError) -> Double {
        let number = try value.number()
        guard range.contains(number) else { throw value.expected(what) }
        return number
    }

    /// Seconds of a duration with a unit.
    static func seconds(_ value: YAMLValue, atLeast: UInt64 = 0) throws(ConfigurationError) -> Double {
        Double(try value.nanos(in: atLeast...UInt64(Scenario.secondsMax * 1e9))) / 1e9
    }

    /// `1000/s` or `30/m`.
    static func rate(_ value: YAMLValue, allowsZero: Bool = false) throws(ConfigurationError) -> Double {
        let text = try value.text("a rate such as 1000/s")
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = ScalarText.number(String(parts[0])), parts[1] == "s" || parts[1] == "m",
            count > 0 || (allowsZero && count == 0), count <= 1e7
        else { throw value.expected("a rate such as 1000/s or 30/m, up to 10000000") }
        return parts[1] == "s" ? count : count / 60
    }

    /// `1%` or `0.05%`, as a share of 1.
    static func share(_ value: YAMLValue) throws(ConfigurationError) -> Double {
        let text = try value.text("a percentage")
        guard text.hasSuffix("%"), let percent = ScalarText.number(String(text.dropLast())), 0...100 ~= percent else {
            throw value.expected("a percentage such as 0% or 0.1%")
        }
        return percent / 100
    }
}
