// Phases and the loads in them, and the steps on the admin plane.

internal import Configuration

extension ScenarioReader {
    static func readPhase(_ value: YAMLValue, classes: [TrafficClass]) throws(ConfigurationError) -> Phase {
        let fields = try value.fields(["name", "duration", "load"])
        let seconds = try seconds(fields.required("duration"), atLeast: 1_000_000)
        var phase = Phase(name: try readName(fields.required("name")), seconds: seconds, loads: [:])
        for (name, load) in try fields.required("load").entries("a load for each class") {
            guard let entry = classes.first(where: { $0.name == name }) else {
                throw load.unknownKey(name, known: classes.map(\.name))
            }
            phase.loads[name] = try readLoad(load, seconds: seconds, entry)
            if let problem = phase.emptyReplay { throw load.error(problem) }
        }
        if phase.loads.isEmpty { throw value.error("load: needs a class at least") }
        return phase
    }

    private static let shapes = ["constant", "poisson", "ramp", "steps", "spike", "replay", "closed"]

    private static func readLoad(
        _ value: YAMLValue, seconds: Double, _ entry: TrafficClass
    ) throws(ConfigurationError) -> Phase.Load {
        let fields = try value.fields(shapes + ["arrivals"])
        let given = shapes.filter { fields[$0] != nil }
        guard given.count == 1, let shape = given.first, let field = fields[shape] else {
            throw value.error("needs exactly one of \(shapes.joined(separator: ", "))")
        }
        var spacing: Arrivals.Spacing = shape == "poisson" ? .poisson : .even
        if let arrivals = fields["arrivals"] {
            guard ["ramp", "steps", "spike"].contains(shape) else {
                throw arrivals.error("belongs to ramp, steps and spike")
            }
            spacing = try arrivals.choice()
        }
        switch shape {
        case "constant", "poisson": return .open(.constant(try rate(field), seconds: seconds), spacing)
        case "ramp":
            let ends = try field.fields(["from", "to"])
            return .open(
                .ramp(
                    from: try rate(ends.required("from"), allowsZero: true), to: try rate(ends.required("to")),
                    seconds: seconds), spacing)
        case "steps":
            var rates: [Double] = []
            for item in try field.items("a list of rates", countMax: 100) { rates.append(try rate(item)) }
            guard !rates.isEmpty else { throw field.expected("a list of rates") }
            return .open(.steps(rates, seconds: seconds), spacing)
        case "spike": return .open(try readSpike(field, seconds), spacing)
        case "replay": return try readReplay(field, seconds, entry)
        default: return try readClosed(field)
        }
    }

    private static func readSpike(_ value: YAMLValue, _ length: Double) throws(ConfigurationError) -> RateCurve {
        let fields = try value.fields(["base", "peak", "at", "for"])
        let at = try seconds(fields.required("at"))
        guard at < length else { throw try fields.required("at").error("is after the phase's end") }
        return .spike(
            base: try rate(fields.required("base")), peak: try rate(fields.required("peak")), at: at,
            length: try seconds(fields.required("for"), atLeast: 1_000_000), seconds: length)
    }

    private static func readReplay(
        _ value: YAMLValue, _ length: Double, _ entry: TrafficClass
    ) throws(ConfigurationError) -> Phase.Load {
        let fields = try value.fields(["file", "speed"])
        var speed = 1.0
        if let given = fields["speed"] { speed = try number(given, in: 0.001...1000, "a factor from 0.001 to 1000") }
        let recording = try Recording.read(fields.required("file").text())
        if entry.api == .grpc, recording.entries.contains(where: { $0.body != nil }) {
            throw try fields.required("file").error("holds bodies, which are JSON, and the class speaks gRPC")
        }
        if entry.headers.contains(where: { $0.name == TrafficClass.Keys.headerDefault }),
            recording.entries.contains(where: { $0.key != nil })
        {
            throw try fields.required("file").error(
                "holds keys, and the class has the header \(TrafficClass.Keys.headerDefault) already")
        }
        return .replay(recording, speed: speed)
    }

    private static func readClosed(_ value: YAMLValue) throws(ConfigurationError) -> Phase.Load {
        let fields = try value.fields(["users", "think"])
        return .closed(
            users: try fields.required("users").integer(in: 1...100_000),
            thinkNanos: try fields["think"]?.nanos(in: 0...600_000_000_000) ?? 0)
    }

    // MARK: Steps

    private static let actions = ["canary", "switch", "rollback", "load", "unload", "call"]

    static func readStep(_ value: YAMLValue, seconds length: Double) throws(ConfigurationError) -> AdminStep {
        let fields = try value.fields(["at"] + actions)
        let at = try fields.required("at")
        let seconds = try seconds(at)
        guard seconds <= length else { throw at.error("is after the scenario's end") }
        let given = actions.filter { fields[$0] != nil }
        guard given.count == 1, let name = given.first, let field = fields[name] else {
            throw value.error("needs exactly one of \(actions.joined(separator: ", "))")
        }
        return AdminStep(seconds: seconds, action: try readAction(name, field))
    }

    private static func readAction(_ name: String, _ value: YAMLValue) throws(ConfigurationError) -> AdminStep.Action {
        switch name {
        case "canary":
            let fields = try value.fields(["model", "version", "percent"])
            return .canary(
                model: try fields.required("model").text(), version: try fields["version"]?.text(),
                percent: try number(fields.required("percent"), in: 0...100, "0 to 100"))
        case "rollback": return .rollback(model: try value.fields(["model"]).required("model").text())
        case "call":
            let fields = try value.fields(["method", "path", "body"])
            let path = try fields.required("path")
            guard try path.text().hasPrefix("/") else { throw path.expected("a path below /admin/v1, such as /models") }
            return .call(
                method: try fields["method"]?.text() ?? "POST", path: try path.text(), body: try fields["body"]?.text())
        default:
            let fields = try value.fields(["model", "version"])
            let model = try fields.required("model").text()
            let version = try fields.required("version").text()
            switch name {
            case "switch": return .change(model: model, version: version)
            case "load": return .load(model: model, version: version)
            default: return .unload(model: model, version: version)
            }
        }
    }
}
