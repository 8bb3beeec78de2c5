// Budgets of a scenario, and the contradictions among them: a budget that cannot break, cannot hold, or stands twice
// with two bounds says nothing, so it is refused before anything runs.

internal import Configuration

extension ScenarioReader {
    static func readBudgets(_ value: YAMLValue, _ scenario: Scenario) throws(ConfigurationError) -> [Budget] {
        var budgets: [Budget] = []
        for item in try value.items(countMax: 200) {
            let fields = try item.fields(["class", "phase", "version", "against"] + Measure.named.map(\.name))
            let selection = try readSelection(fields, scenario)
            let baseline = try readBaseline(fields["against"], selection, scenario)
            let before = budgets.count
            for (name, measure) in Measure.named {
                guard let bound = fields[name] else { continue }
                let budget = Budget(selection, measure, try readBound(bound, measure, baseline))
                try refuse(budget, at: bound, scenario, others: budgets)
                budgets.append(budget)
            }
            if budgets.count == before { throw item.error("bounds nothing: give it p99, errors or another measure") }
        }
        return budgets
    }

    private static func readSelection(
        _ fields: YAMLFields, _ scenario: Scenario, unless other: String? = nil
    ) throws(ConfigurationError) -> Selection {
        let name = fields["class"]
        let only = other ?? (scenario.classes.count == 1 ? scenario.classes[0].name : nil)
        guard let trafficClass = try name?.text() ?? only else { throw fields.owner.error("needs the key class") }
        guard scenario.classes.contains(where: { $0.name == trafficClass }) else {
            throw (name ?? fields.owner).expected(
                "one of the classes \(scenario.classes.map(\.name).joined(separator: ", "))")
        }
        guard scenario.phases.contains(where: { $0.loads[trafficClass] != nil }) else {
            throw (name ?? fields.owner).error("\(trafficClass) has no load in any phase")
        }
        let phase = try fields["phase"]?.text()
        if let phase {
            guard let found = scenario.phases.first(where: { $0.name == phase }) else {
                throw (fields["phase"] ?? fields.owner).expected(
                    "one of the phases \(scenario.phases.map(\.name).joined(separator: ", "))")
            }
            guard found.loads[trafficClass] != nil else {
                throw (fields["phase"] ?? fields.owner).error("\(trafficClass) has no load in \(phase)")
            }
        }
        return Selection(trafficClass: trafficClass, phase: phase, version: try fields["version"]?.text())
    }

    private static func readBaseline(
        _ value: YAMLValue?, _ selection: Selection, _ scenario: Scenario
    ) throws(ConfigurationError) -> Selection? {
        guard let value else { return nil }
        let fields = try value.fields(["class", "phase", "version"])
        var baseline = try readSelection(fields, scenario, unless: selection.trafficClass)
        if fields["phase"] == nil { baseline.phase = selection.phase }
        if let phase = scenario.phases.first(where: { $0.name == baseline.phase }),
            phase.loads[baseline.trafficClass] == nil
        {
            throw value.error("\(baseline.trafficClass) has no load in \(phase.name)")
        }
        guard baseline != selection else { throw value.error("is the selection itself") }
        return baseline
    }

    private static func readBound(
        _ value: YAMLValue, _ measure: Measure, _ baseline: Selection?
    ) throws(ConfigurationError) -> Budget.Bound {
        if let baseline {
            guard measure.kind == .latency || measure.kind == .rate else {
                throw value.error("cannot be relative: \(measure.name) takes an absolute bound")
            }
            let text = try value.text("a factor such as 1.1x")
            guard text.hasSuffix("x"), let factor = ScalarText.number(String(text.dropLast())), factor > 0 else {
                throw value.expected("a factor such as 1.1x, because the budget is against a baseline")
            }
            return .relative(factor, to: baseline)
        }
        switch measure.kind {
        case .latency: return .absolute(Double(try value.nanos(in: 1000...600_000_000_000)))
        case .share: return .absolute(try share(value))
        case .rate: return .absolute(try rate(value))
        case .count: return .absolute(Double(try value.integer(in: 0...Int.max >> 12)))
        }
    }

    // MARK: Contradictions

    private static func refuse(
        _ budget: Budget, at value: YAMLValue, _ scenario: Scenario, others: [Budget]
    ) throws(ConfigurationError) {
        if let twin = others.first(where: {
            $0.selection == budget.selection && $0.measure == budget.measure
                && $0.baseline == budget.baseline
        }) {
            throw value.error("contradicts an earlier budget: \(twin.text)")
        }
        guard case .absolute(let bound) = budget.bound else { return }
        let entry = scenario.classes.first { $0.name == budget.selection.trafficClass }
        if let entry, budget.measure.kind == .latency, bound > Double(entry.timeoutNanos) {
            throw value.error(
                "can never break: \(entry.name) gives up after \(Text.time(Double(entry.timeoutNanos)))")
        }
        if budget.measure == .throughput {
            if let most = scenario.scheduledRate(budget.selection), bound > most {
                throw value.error("can never hold: at most \(Text.number(most))/s are sent")
            }
        }
        if budget.measure == .mismatches, entry?.check == .status {
            throw value.error("can never break: the class checks no scores")
        }
        for other in others where other.selection == budget.selection {
            if let message = contradiction(other, budget) { throw value.error(message) }
        }
    }

    /// Two absolute budgets of one selection of which one makes the other say nothing.
    private static func contradiction(_ first: Budget, _ second: Budget) -> String? {
        guard case .absolute(let one) = first.bound, case .absolute(let other) = second.bound else { return nil }
        func order(_ measure: Measure) -> Double? {
            switch measure {
            case .percentile(let percent): percent
            case .max: 100
            default: nil
            }
        }
        if let lower = order(first.measure), let higher = order(second.measure) {
            let (low, high) = lower < higher ? (first, second) : (second, first)
            let (lowBound, highBound) = lower < higher ? (one, other) : (other, one)
            if lowBound > highBound {
                return "contradicts: \(low.measure.name) may be \(Text.time(lowBound)), which is above the "
                    + "\(Text.time(highBound)) of \(high.measure.name)"
            }
        }
        for (part, whole) in [(first, second), (second, first)] where whole.measure == .errors {
            guard [.timeouts, .shed, .faults].contains(part.measure), case .absolute(let share) = part.bound,
                case .absolute(let all) = whole.bound, share > all
            else { continue }
            return "contradicts: \(part.measure.name) may be \(Text.percent(share)), but errors, which hold them, only "
                + Text.percent(all)
        }
        return nil
    }
}

extension Budget {
    var isRelative: Bool { baseline != nil }

    /// nil: the bound is absolute.
    var baseline: Selection? {
        if case .relative(_, let baseline) = bound { baseline } else { nil }
    }
}
