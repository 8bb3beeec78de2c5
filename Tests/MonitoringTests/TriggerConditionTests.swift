// Conditions on facts: what is found, and that little data finds nothing.

import Configuration
import Testing

@testable import Monitoring

@Suite struct TriggerConditionTests {
    private func finding(_ when: String, _ facts: TriggerFacts) throws -> TriggerFinding? {
        let yaml = """
            models: {fraud: {drift: {silent: [hour]}, triggers: [{name: a, when: \(when),
              webhook: {url: "http://localhost/", secret: s}}]}}
            """
        let model = try ConfigurationLoader.parse(yaml).model(named: "fraud")
        return model.triggers[0].condition.finding(facts, DriftThresholds())
    }

    private func variable(
        _ name: String, psi: Double, _ level: DriftLevel, isSilent: Bool = false, outOfRange: Double = 0,
        unseen: Double = 0
    ) -> DriftFinding {
        DriftFinding(
            name: name, isScore: name == "score", isSilent: isSilent, psi: psi, jensenShannon: 0, missing: 0,
            outOfRange: outOfRange, unseen: unseen, missingBefore: 0, level: level, counts: [], reference: [])
    }

    private func facts(_ variables: [DriftFinding], rows: UInt64 = 5000, _ window: DriftWindow = .hour) -> TriggerFacts
    {
        var facts = TriggerFacts(version: "1")
        facts.drift = [DriftReport(window: window, rows: rows, level: .alert, findings: variables)]
        return facts
    }

    @Test func driftNamesTheWorst() throws {
        let drifted = facts([
            variable("amount", psi: 0.3, .alert), variable("country", psi: 0.7, .alert),
            variable("hour", psi: 9, .alert, isSilent: true), variable("score", psi: 0.12, .warning),
        ])
        let found = try #require(try finding("{drift: alert}", drifted))
        #expect(found.figure == "country" && found.value == 0.7 && found.limit == 0.25 && found.samples == 5000)
        #expect(found.text == "country over 1h has drifted: PSI 0.7, 1 more at alert or above")
        #expect(found.kind == .drift && found.window == "1h" && found.version == "1")
        #expect(try finding("{drift: alert, of: [amount]}", drifted)?.figure == "amount")
        #expect(try finding("{drift: alert, of: [score]}", drifted) == nil)
        #expect(try finding("{drift: warning, of: [score]}", drifted)?.limit == 0.1)
        #expect(try finding("{drift: alert, window: 5m}", drifted) == nil, "another window")
        #expect(try finding("{drift: warning}", facts([variable("amount", psi: 2, .unknown)])) == nil)
        #expect(try finding("{drift: warning}", TriggerFacts(version: "1")) == nil, "no profile")
    }

    @Test func accuracyBelowItsFloor() throws {
        func labelled(_ value: Double, samples: UInt64, _ name: String = "average_precision") -> TriggerFacts {
            var facts = TriggerFacts(version: "2")
            let others = [NamedFigure("roc_auc", 0.99, samples: 9999), NamedFigure("recall", 0.1, samples: 9999)]
            facts.labels[.week] = LabelFacts(figures: others + [NamedFigure(name, value, samples: samples)])
            facts.labels[.day] = LabelFacts(figures: [NamedFigure(name, 0.6, samples: samples)])
            return facts
        }
        let rule = "{metric: average_precision, below: 0.7, samples: 1000}"
        let found = try #require(try finding(rule, labelled(0.495, samples: 1000)))
        #expect(found.kind == .accuracy && found.value == 0.495 && found.limit == 0.7 && found.version == "2")
        #expect(found.text == "average_precision over 7d is 0.495, below 0.7, on 1000 labels")
        #expect(try finding(rule, labelled(0.495, samples: 999)) == nil, "too few labels")
        #expect(try finding(rule, labelled(0.7, samples: 1000)) == nil)
        #expect(try finding(rule, labelled(.nan, samples: 1000)) == nil)
        #expect(try finding(rule, TriggerFacts(version: "2")) == nil)
        let brier = "{metric: brier, above: 0.1}"
        #expect(
            try finding(brier, labelled(0.2, samples: 500, "brier"))?.text
                == "brier over 7d is 0.2, above 0.1, on 500 labels")
        #expect(try finding(brier, labelled(0.05, samples: 500, "brier")) == nil)
        let rate = "{metric: approval_rate, below: 0.8, above: 0.99}"
        #expect(try finding(rate, labelled(0.7, samples: 500, "approval_rate"))?.limit == 0.8)
        #expect(try finding(rate, labelled(0.9, samples: 500, "approval_rate")) == nil)
        #expect(try finding(rate, labelled(1, samples: 500, "approval_rate"))?.limit == 0.99)
    }

    @Test func labelsThatComeLate() throws {
        var facts = TriggerFacts(version: "1")
        facts.labels[.all] = LabelFacts(labels: 100, late: [.day: 90, .week: 51, .month: 3])
        let found = try #require(try finding("{label_delay: 7d}", facts))
        #expect(found.kind == .labelDelay && found.value == 0.51 && found.limit == 0.5 && found.figure == "7d")
        #expect(found.text == "51% of labels come later than 7d, 50% are allowed")
        #expect(try finding("{label_delay: 7d, share: 51%}", facts) == nil)
        #expect(try finding("{label_delay: 30d, share: 2%}", facts)?.value == 0.03)
        #expect(try finding("{label_delay: 90d, share: 1%}", facts) == nil)
        #expect(try finding("{label_delay: 7d, samples: 101}", facts) == nil)
        #expect(try finding("{label_delay: 7d, window: 30d}", facts) == nil, "another window")
    }

    @Test func violationsNameTheWorst() throws {
        var found = facts(
            [
                variable("amount", psi: 0, .none, outOfRange: 0.02), variable("country", psi: 0, .none, unseen: 0.05),
                variable("score", psi: 0, .none, outOfRange: 1),
            ], .fiveMinutes)
        #expect(
            try finding("{violations: 1%}", found)?.text
                == "country over 5m: 5% of rows have a category that is not listed, 1% are allowed")
        #expect(try finding("{violations: 5%}", found) == nil)
        #expect(try finding("{violations: 1%, samples: 6000}", found) == nil)
        found.refusals[.fiveMinutes] = RefusalCount(refused: 300, all: 2000)
        let refused = try #require(try finding("{violations: 10%}", found))
        #expect(refused.figure == "requests" && refused.value == 0.15 && refused.samples == 2000)
        #expect(try finding("{violations: 10%, samples: 2001}", found) == nil)
        #expect(try finding("{violations: 10%}", TriggerFacts(version: "1")) == nil)
    }

    @Test func refusalsAreThoseOfTheWindow() {
        var meter = RefusalMeter(since: 0)
        let ticks = DriftWindow.fiveMinutes.ticks
        for tick in 0...(3 * ticks) {
            // One refusal a tick in the first five minutes, none after that; ten requests a tick.
            let count = RefusalCount(refused: min(tick, ticks), all: 10 * tick)
            meter.note(count, tick: tick)
            let five = meter.count(.fiveMinutes, now: count)
            let hour = meter.count(.hour, now: count)
            #expect(five.all == 10 * min(tick, ticks))
            #expect(hour == count, "everything is within the hour")
            if tick >= 2 * ticks { #expect(five.refused == 0) }
        }
    }

    /// A day of refusals needs no more memory than five minutes.
    @Test func theMeterForgets() {
        var meter = RefusalMeter(since: 0)
        let day = DriftWindow.day.ticks
        for tick in 0...(2 * day) { meter.note(RefusalCount(refused: tick, all: tick), tick: tick) }
        let now = RefusalCount(refused: 2 * day, all: 2 * day)
        for window in DriftWindow.allCases {
            let count = meter.count(window, now: now).all
            #expect(count >= window.ticks && count <= window.ticks + window.ticks / 30, "\(window)")
        }
    }
}
