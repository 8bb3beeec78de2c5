// Plans: what is read, what is refused, and with which words.

import Configuration
import Foundation
import Testing

@testable import Rollout

@Suite struct PlanTests {
    private func message(_ text: String) -> String? {
        do throws(ConfigurationError) {
            _ = try PlanReader.parse(Array(text.utf8), source: "plan.yaml")
            return nil
        } catch { return error.description }
    }

    static let head = "horizon: 1h\nsteps:\n- {percent: 5, max: 10m}\n- {percent: 50, max: 10m}\n"

    static let refused: [(String, String)] = [
        // Steps that fall, and percent over 100.
        (
            "horizon: 1h\nsteps:\n- {percent: 50, max: 10m}\n- {percent: 5, max: 10m}\n",
            "plan.yaml:4: steps[1]: goes from 50% to 5%; steps rise"
        ),
        (
            "horizon: 1h\nsteps:\n- {percent: 101, max: 10m}\n",
            "plan.yaml:3: steps[0].percent: expected percent above 0, at most 100, in steps of 0.0001, found \"101\""
        ),
        // α ≥ 1
        ("\(head)alpha: 1\n", "plan.yaml:5: alpha: expected a probability from 1e-9 to below 1, found \"1\""),
        ("\(head)alpha: 0\n", "plan.yaml:5: alpha: expected a probability from 1e-9 to below 1, found \"0\""),
        // Budgets without units.
        (
            "\(head)guards: {late: 0.01}\n",
            """
            plan.yaml:5: guards.late: expected a share with its unit, such as 0.1%, above 0% and up to 50%, \
            found "0.01"
            """
        ),
        (
            "\(head)guards: {errors: 60%}\n",
            """
            plan.yaml:5: guards.errors: expected a share with its unit, such as 0.1%, above 0% and up to 50%, \
            found "60%"
            """
        ),
        (
            "\(head)bake: 60\n",
            "plan.yaml:5: bake: expected a duration such as 10ms, 5s or 1h (units ns, us, ms, s, m, h), found \"60\""
        ),
        (
            "\(head)rate: 1000\n",
            "plan.yaml:5: rate: expected requests with their time, such as 1000/s, 20/m or 500/h, found \"1000\""
        ),
        // A candidate equal to stable.
        (
            "\(head)stable: \"2\"\ncandidate: \"2\"\n",
            "plan.yaml:6: candidate: version 2 is stable and candidate; name another candidate"
        ),
        // A plan longer than its horizon.
        (
            "horizon: 20m\nsteps:\n- {percent: 5, max: 10m}\n- {percent: 50, max: 10m}\n",
            """
            plan.yaml:1: horizon: the steps' max and bake are 30 min together, the horizon 20 min; raise \
            horizon, or shorten them
            """
        ),
        // More than one change may move, within and behind the steps.
        (
            "\(head)max_change: 20\n",
            "plan.yaml:4: steps[1]: moves 45 points of traffic at once, from 5% to 50%; max_change is 20"
        ),
        (
            "horizon: 1h\nsteps:\n- {percent: 5, max: 10m}\n",
            "plan.yaml:3: steps[0]: moves 95 points of traffic at once, from 5% to 100%; max_change is 50"
        ),
        // A guard without enough traffic to ever decide, with the arithmetic.
        (
            "\(head)rate: 1/s\n",
            """
            plan.yaml:3: steps[0]: can never decide: needs 4336 requests of the candidate, at 1 requests/s \
            and 5% that is 1 days; max is 10 min
            """
        ),
        (
            "\(head)guards: {late: off, errors: off}\n",
            """
            plan.yaml:5: guards: late and errors are both off: nothing could ever promote the candidate; give \
            one of them a budget
            """
        ),
        ("horizon: 1h\nsteps: []\n", "plan.yaml:2: steps: needs at least one step"),
        ("horizon: 1h\n", "plan.yaml:1: needs the key steps"),
        ("steps:\n- {percent: 5, min: 2m, max: 1m}\n", "plan.yaml:2: steps[0]: min is above max"),
        (
            "\(head)freeze: [{days: [funday]}]\n",
            "plan.yaml:5: freeze[0].days[0]: expected one of mon, tue, wed, thu, fri, sat, sun, found \"funday\""
        ),
        ("\(head)freeze: [{from: 2026-12-27, to: 2026-12-24}]\n", "plan.yaml:5: freeze[0]: ends before it begins"),
        (
            "\(head)freeze: [{from: 2026-02-29, to: 2026-03-02}]\n",
            """
            plan.yaml:5: freeze[0].from: expected a date such as 2026-12-24 or "2026-12-24 18:00", UTC, \
            found "2026-02-29"
            """
        ),
        (
            "horizon: 1h\nsteps: [{percent: 50, max: 10m, before: {url: \"ftp://x\"}}]\n",
            """
            plan.yaml:2: steps[0].before.url: expected a URL that begins with http:// or https://, found \
            "ftp://x"
            """
        ),
        (
            "\(head)guards: {slower: {p99: maybe}}\n",
            "plan.yaml:5: guards.slower.p99: expected one of off, pause, rollback, found \"maybe\""
        ),
    ]

    @Test(arguments: refused)
    func badInputIsRefused(text: String, wanted: String) {
        #expect(message(text) == wanted)
    }

    @Test func unknownKeysAreRefused() {
        #expect(message(Self.head + "aplha: 0.1\n")?.contains("unknown key; did you mean alpha?") == true)
    }

    @Test func theShippedPlanIsReadAndSaysEveryDefault() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path = root.appending(path: "config/rollout.yaml").path
        let plan = try PlanReader.read(path)
        #expect(plan.steps.map(\.percent) == [1, 5, 25, 50])
        #expect(plan.simulation.faults.count == 11)
        // What the file calls a default is the default.
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let short = try PlanReader.parse(Array("steps: [{percent: 50, max: 10m}]\n".utf8), source: "short")
        #expect(plan.guardSettings.alpha == short.guardSettings.alpha)
        #expect(plan.guardSettings.lateBudget == short.guardSettings.lateBudget)
        #expect(plan.guardSettings.errorBudget == short.guardSettings.errorBudget)
        #expect(plan.guardSettings.slower == short.guardSettings.slower)
        #expect(plan.guardSettings.horizonTicks == short.guardSettings.horizonTicks)
        #expect(plan.bakeNanos == short.bakeNanos && plan.changeMax == short.changeMax)
        #expect(plan.simulation.late == short.simulation.late && plan.simulation.errors == short.simulation.errors)
        for key in PlanReader.keys { #expect(text.contains("\(key):"), "\(key) is not documented") }
    }

    /// Requests without a bad one that a promotion needs.
    @Test func cleanRequestsOfAPromotion() {
        func clean(_ rateMax: Double, _ usesRatio: Bool) -> Int {
            PromotionTest.cleanRequests(rateMax: rateMax, usesRatio: usesRatio, beta: 0.05)
        }
        // By the candidate's own rate alone; with the ratio, which says 1 where nobody fails, a fifth more.
        #expect(clean(0.01, false) == 359)
        #expect(clean(0.001, false) == 3602)
        #expect(clean(0.01, true) == 432)
        #expect(clean(0.001, true) == 4336)
    }

    static let windows: [(String, Int64, Bool)] = [
        // 1970-01-01 was a Thursday.
        ("days: [thu]", 0, true), ("days: [thu]", 86_399, true), ("days: [thu]", 86_400, false),
        ("days: [wed]", -1, true), ("days: [fri], from: \"22:00\", to: \"04:00\"", 86_400 + 22 * 3600, true),
        ("days: [fri], from: \"22:00\", to: \"04:00\"", 86_400 + 27 * 3600, true),
        ("days: [fri], from: \"22:00\", to: \"04:00\"", 86_400 + 28 * 3600, false),
        ("days: [fri], from: \"22:00\", to: \"04:00\"", 86_400 + 3 * 3600, false),
        ("from: 2026-12-24, to: 2026-12-27", 1_798_070_399, false),
        ("from: 2026-12-24, to: 2026-12-27", 1_798_070_400, true),
        ("from: 2026-12-24, to: \"2026-12-26 12:30\"", 1_798_288_199, true),
        ("from: 2026-12-24, to: \"2026-12-26 12:30\"", 1_798_288_200, false),
    ]

    @Test(arguments: windows)
    func freezeWindowsHold(window: String, seconds: Int64, holds: Bool) throws {
        let plan = try Make.plan("freeze: [{\(window)}]\n")
        #expect(plan.freezes[0].holds(at: seconds) == holds)
    }
}
