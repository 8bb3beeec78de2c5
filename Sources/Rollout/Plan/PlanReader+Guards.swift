// The `guards`, `freeze` and `simulation` sections, and the quantities of a plan.

internal import Configuration

extension PlanReader {
    static func readGuards(_ value: YAMLValue?, _ plan: inout RolloutPlan) throws(ConfigurationError) {
        guard let value else { return }
        let fields = try value.fields(["late", "errors", "ratio", "decisions", "slower", "scores"])
        if let late = fields["late"] { plan.guardSettings.lateBudget = try budget(late) }
        if let errors = fields["errors"] { plan.guardSettings.errorBudget = try budget(errors) }
        if let ratio = fields["ratio"] { plan.guardSettings.ratioTolerance = try number(ratio, above: 1, upTo: 50) }
        if let decisions = fields["decisions"] {
            plan.guardSettings.decisionTolerance = isOff(decisions) ? nil : try number(decisions, above: 1, upTo: 100)
        }
        if let scores = fields["scores"] {
            plan.guardSettings.watchesScores = try scores.choice(of: [GuardSettings.Consequence.off, .pause]) == .pause
        }
        guard let slower = fields["slower"] else { return }
        let names = GuardSettings.quantileNames
        let quantiles = try slower.fields(names + ["tolerance"])
        for (index, name) in names.enumerated() {
            if let value = quantiles[name] { plan.guardSettings.slower[index] = try value.choice() }
        }
        if let tolerance = quantiles["tolerance"] { plan.toleranceOfBudget = try share(tolerance, upTo: 1) }
    }

    private static func isOff(_ value: YAMLValue) -> Bool { (try? value.text()) == "off" }

    /// A share of bad requests, or `off`.
    private static func budget(_ value: YAMLValue) throws(ConfigurationError) -> Double? {
        isOff(value) ? nil : try share(value, upTo: 0.5)
    }

    // MARK: Quantities

    /// `0.1%`: a share, with its unit.
    static func share(_ value: YAMLValue, upTo highest: Double) throws(ConfigurationError) -> Double {
        let expectation = "a share with its unit, such as 0.1%, above 0% and up to \(digits(highest * 100))%"
        let text = try value.text(expectation)
        guard text.hasSuffix("%"), let number = ScalarText.number(String(text.dropLast())), number >= 1e-7,
            number / 100 <= highest
        else { throw value.expected(expectation) }
        return number / 100
    }

    /// A weight: `2.5`, above 0, at most 100, in steps of 0.0001.
    static func percent(_ value: YAMLValue) throws(ConfigurationError) -> Double {
        let number = try value.number()
        let steps = number * 10_000
        guard number > 0, number <= 100, abs(steps - steps.rounded()) < 1e-6 else {
            throw value.expected("percent above 0, at most 100, in steps of 0.0001")
        }
        return number
    }

    /// A probability of being wrong.
    static func level(_ value: YAMLValue) throws(ConfigurationError) -> Double {
        let number = try value.number()
        guard number >= 1e-9, number < 1 else { throw value.expected("a probability from 1e-9 to below 1") }
        return number
    }

    static func number(
        _ value: YAMLValue, above lowest: Double, upTo highest: Double
    ) throws(ConfigurationError) -> Double {
        let number = try value.number()
        guard number > lowest, number <= highest else {
            throw value.expected("a number above \(digits(lowest)), at most \(digits(highest))")
        }
        return number
    }

    /// `1000/s`, `20/m`, `5000/h`: requests, with their time.
    static func readRate(_ value: YAMLValue) throws(ConfigurationError) -> Double {
        let expectation = "requests with their time, such as 1000/s, 20/m or 500/h"
        let parts = try value.text(expectation).split(separator: "/", omittingEmptySubsequences: false)
        let seconds = ["s": 1.0, "m": 60, "h": 3600]
        guard parts.count == 2, let count = ScalarText.number(String(parts[0])), count > 0, count <= 1e8,
            let unit = seconds[String(parts[1])]
        else { throw value.expected(expectation) }
        return count / unit
    }

    /// A number for people: whole ones without a point.
    static func digits(_ number: Double) -> String { Int(exactly: number).map(String.init) ?? "\(number)" }

    // MARK: Freeze windows

    static func readFreezes(_ value: YAMLValue) throws(ConfigurationError) -> [FreezeWindow] {
        var windows: [FreezeWindow] = []
        for item in try value.items("a list of freeze windows", countMax: 64) {
            let fields = try item.fields(["days", "from", "to"])
            windows.append(fields["days"] == nil ? try readDates(fields) : try readWeekly(fields))
        }
        return windows
    }

    private static func readDates(_ fields: YAMLFields) throws(ConfigurationError) -> FreezeWindow {
        func seconds(_ name: String) throws(ConfigurationError) -> Int64 {
            let value = try fields.required(name)
            let expectation = "a date such as 2026-12-24 or \"2026-12-24 18:00\", UTC"
            guard let seconds = FreezeWindow.seconds(try value.text(expectation)) else {
                throw value.expected(expectation)
            }
            return seconds
        }
        let (from, to) = (try seconds("from"), try seconds("to"))
        guard from < to else { throw fields.owner.error("ends before it begins") }
        return .dates(from: from, to: to)
    }

    private static func readWeekly(_ fields: YAMLFields) throws(ConfigurationError) -> FreezeWindow {
        var days: Set<Int> = []
        for day in try fields.required("days").items("a list of days") {
            guard let index = FreezeWindow.dayNames.firstIndex(of: try day.text()) else {
                throw day.expected("one of \(FreezeWindow.dayNames.joined(separator: ", "))")
            }
            days.insert(index)
        }
        func minutes(_ name: String, _ standard: Int) throws(ConfigurationError) -> Int {
            guard let value = fields[name] else { return standard }
            guard let minutes = FreezeWindow.minutes(try value.text("a time such as 18:00, UTC")) else {
                throw value.expected("a time such as 18:00, UTC")
            }
            return minutes
        }
        guard !days.isEmpty else { throw fields.owner.error("needs at least one day") }
        return .weekly(days: days, from: try minutes("from", 0), to: try minutes("to", 1440))
    }

    // MARK: Simulation

    static func readSimulation(_ value: YAMLValue) throws(ConfigurationError) -> SimulationPlan {
        let fields = try value.fields([
            "traffic", "late", "errors", "decisions", "ratio", "bad_delay", "operator", "faults",
        ])
        var plan = SimulationPlan()
        for item in try fields["traffic"]?.items("a list of traffic models", countMax: 32) ?? [] {
            plan.traffic.append(try item.text("a traffic model"))
        }
        if let late = fields["late"] { plan.late = try share(late, upTo: 0.5) }
        if let errors = fields["errors"] { plan.errors = try share(errors, upTo: 0.5) }
        if let decisions = fields["decisions"] { plan.decisions = try share(decisions, upTo: 1) }
        if let ratio = fields["ratio"] { plan.ratio = try number(ratio, above: 0, upTo: 10) }
        if let delay = fields["bad_delay"] { plan.badDelayNanos = try delay.nanos(in: 0...10_000_000_000) }
        if let person = fields["operator"] { plan.hasOperator = try person.boolean() }
        for item in try fields["faults"]?.items("a list of faults", countMax: 64) ?? [] {
            plan.faults.append(try readFault(item))
        }
        return plan
    }

    private static func readFault(_ value: YAMLValue) throws(ConfigurationError) -> SimulationPlan.Fault {
        let fields = try value.fields(["name", "late", "errors", "decisions", "score_shift", "shared", "ramp"])
        var fault = SimulationPlan.Fault(name: try fields.required("name").text("a name"))
        if let late = fields["late"] { fault.late = try share(late, upTo: 1) }
        if let errors = fields["errors"] { fault.errors = try share(errors, upTo: 1) }
        if let decisions = fields["decisions"] {
            fault.decisions = try decisions.number()
            guard 0...1000 ~= fault.decisions ?? -1 else { throw decisions.expected("times stable's, from 0 to 1000") }
        }
        if let shift = fields["score_shift"] { fault.scoreShift = try number(shift, above: 0, upTo: 16) }
        if let shared = fields["shared"] { fault.isShared = try shared.boolean() }
        if let ramp = fields["ramp"] { fault.rampNanos = try ramp.nanos(in: timeRange) }
        return fault
    }
}
