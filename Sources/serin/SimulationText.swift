// A simulation's results for people (a table, and a chart of the time to rollback) and for programs.

internal import Glibc
internal import Rollout
internal import Simulation

struct SimulationText {
    let results: [SimulationResult]
    let plan: RolloutPlan
    let rate: Double
    let seed: UInt64

    func show() {
        print(
            "\(results.first?.runs ?? 0) runs of each scenario at \(short(rate)) requests/s, alpha \(plan.alpha), seed \(seed)"
        )
        print("")
        Terminal.printTable(
            ["SCENARIO", "ROLLED BACK", "PAUSED", "PROMOTED", "HELD", "REQUESTS TO ROLLBACK", "TIME TO ROLLBACK"],
            results.map { result in
                [
                    result.name, share(result.rolledBack, result), share(result.paused, result),
                    share(result.promoted, result), share(result.inconclusive, result),
                    result.medianRequestsToRollback.map(String.init) ?? "-",
                    result.medianSecondsToRollback.map(PlanArithmetic.time) ?? "-",
                ]
            })
        printFalse()
        printChart()
    }

    private func printFalse() {
        guard let healthy = results.first else { return }
        let bound = ClopperPearson.upperBound(hits: healthy.rolledBack, of: healthy.runs, level: 0.999)
        print("")
        print(
            "false rollbacks: \(healthy.rolledBack) of \(healthy.runs); with 99.9% confidence at most \(percent(bound)) "
                + "(alpha: \(percent(plan.alpha)))")
        let models = healthy.byTraffic.sorted { $0.key.rawValue < $1.key.rawValue }
        guard models.count > 1 else { return }
        Terminal.printTable(
            ["TRAFFIC", "RUNS", "FALSE ROLLBACKS"],
            models.map { [$0.key.rawValue, String($0.value.runs), String($0.value.rolledBack)] })
        for (test, count) in healthy.byTest.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            print("by \(test.rawValue): \(count)")
        }
    }

    /// The tenth to the ninetieth percentile of the time to rollback, on a logarithmic axis.
    private func printChart() {
        let charted = results.filter { $0.secondsToRollback.count >= max(10, $0.runs / 10) }
        guard let longest = charted.compactMap(\.secondsToRollback.last).max() else { return }
        let width = 60.0
        let decades = max(1, ceilLog10(longest) + 1)
        func column(_ seconds: Double) -> Int {
            Int(min(max((log10(max(seconds, 0.1)) + 1) / Double(decades) * width, 0), width - 1))
        }
        let label = charted.map(\.name.count).max() ?? 0
        print("")
        print("time to rollback, from the 10th (─) over the median (█) to the 90th percentile")
        for result in charted {
            let seconds = result.secondsToRollback
            let (low, middle, high) = (
                seconds[seconds.count / 10], seconds[seconds.count / 2], seconds[seconds.count * 9 / 10]
            )
            var line = [Character](repeating: " ", count: Int(width))
            for place in column(low)...column(high) { line[place] = "─" }
            line[column(middle)] = "█"
            print(padded(result.name, label) + " │" + String(line))
        }
        var axis = [Character](repeating: " ", count: Int(width) + 8)
        for decade in 0...decades {
            let text = ["0.1 s", "1 s", "10 s", "100 s", "1000 s", "10000 s"][min(decade, 5)]
            let start = Int(Double(decade) / Double(decades) * width)
            for (offset, character) in text.enumerated() where start + offset < axis.count {
                axis[start + offset] = character
            }
        }
        print(padded("", label) + " └" + String(axis))
    }

    private func ceilLog10(_ value: Double) -> Int {
        var (power, count) = (1.0, 0)
        while power < value, count < 4 { (power, count) = (power * 10, count + 1) }
        return count
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func share(_ count: Int, _ result: SimulationResult) -> String {
        count == 0 ? "-" : percent(Double(count) / Double(result.runs))
    }

    private func percent(_ share: Double) -> String { "\((share * 1_000_000).rounded() / 10_000)%" }

    private func short(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }

    // MARK: JSON

    var json: JSONText {
        let healthy = results[0]
        return .object([
            ("plan_alpha", .double(plan.alpha)), ("rate", .double(rate)), ("seed", .number(Int(clamping: seed))),
            ("runs", .number(healthy.runs)), ("false_rollbacks", .number(healthy.rolledBack)),
            (
                "false_rollbacks_upper_bound",
                .double(ClopperPearson.upperBound(hits: healthy.rolledBack, of: healthy.runs, level: 0.999))
            ),
            ("promoted", .number(healthy.promoted)), ("inconclusive", .number(healthy.inconclusive)),
            ("paused", .number(healthy.paused)),
            ("median_requests_to_rollback", healthy.medianRequestsToRollback.map { .number(Int($0)) } ?? .null),
            (
                "traffic",
                .object(
                    healthy.byTraffic.sorted { $0.key.rawValue < $1.key.rawValue }.map { model, counts in
                        (
                            model.rawValue,
                            .object([("runs", .number(counts.runs)), ("false_rollbacks", .number(counts.rolledBack))])
                        )
                    })
            ),
            (
                "tests",
                .object(
                    healthy.byTest.sorted { $0.key.rawValue < $1.key.rawValue }.map {
                        ($0.key.rawValue, .number($0.value))
                    })
            ),
            ("faults", .array(results.dropFirst().map(fault))),
        ])
    }

    private func fault(_ result: SimulationResult) -> JSONText {
        .object([
            ("name", .text(result.name)), ("runs", .number(result.runs)), ("rolled_back", .number(result.rolledBack)),
            ("environment", .number(result.environments)), ("promoted", .number(result.promoted)),
            ("inconclusive", .number(result.inconclusive)), ("paused", .number(result.paused)),
            ("median_requests_to_rollback", result.medianRequestsToRollback.map { .number(Int($0)) } ?? .null),
            ("median_seconds_to_rollback", result.medianSecondsToRollback.map { .double($0) } ?? .null),
        ])
    }
}
