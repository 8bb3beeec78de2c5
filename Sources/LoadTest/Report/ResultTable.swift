// The result for a terminal: who answered how fast, how well, what the generator says of itself, and the verdicts.

public enum ResultTable {
    /// A table: a header and its rows.
    public struct Table: Sendable {
        public var header: [String]
        public var rows: [[String]]
    }

    public static func groups(_ result: LoadTestResult) -> Table {
        Table(
            header: [
                "CLASS", "PHASE", "VERSION", "REQUESTS", "RATE", "P50", "P90", "P99", "P99.9", "MAX", "ERRORS", "WRONG",
            ],
            rows: result.groups.map { group in
                let latency = group.latency
                func time(_ path: KeyPath<LoadTestResult.Latency, Double>) -> String {
                    latency.map { Text.time($0[keyPath: path] * 1e9) } ?? "-"
                }
                let share = Double(group.counts.errors) / Double(max(group.counts.requests, 1))
                return [
                    group.trafficClass, group.phase ?? "all", group.version ?? "all",
                    Text.count(group.counts.requests), Text.rate(group.throughput), time(\.p50), time(\.p90),
                    time(\.p99), time(\.p999), time(\.max), group.counts.errors == 0 ? "0" : Text.percent(share),
                    group.counts.checked == 0 ? "-" : Text.count(group.counts.mismatches),
                ]
            })
    }

    public static func budgets(_ result: LoadTestResult) -> Table {
        Table(
            header: ["VERDICT", "BUDGET", "MEASURED", "WHY"],
            rows: result.budgets.map { [$0.outcome.rawValue, $0.text, measured($0), $0.reason] })
    }

    static func measured(_ line: LoadTestResult.BudgetLine) -> String {
        guard let value = line.value else { return "-" }
        if line.isRelative { return Text.ratio(value) }
        guard let measure = Measure.named.first(where: { $0.name == line.measure })?.measure else { return "-" }
        return measure.text(measure.kind == .latency ? value * 1e9 : value)
    }

    /// What failed and why, what was done meanwhile, and how late the generator was.
    public static func notes(_ result: LoadTestResult) -> [String] {
        var notes = result.notes
        for mark in result.marks {
            let outcome = mark.problem.map { "failed: \($0)" } ?? "done in \(Text.time((mark.ended - mark.at) * 1e9))"
            notes.append("at \(Text.decimal(mark.at, 2)) s: \(mark.text), \(outcome)")
        }
        for reason in result.reasons.prefix(20) {
            notes.append("\(reason.trafficClass): \(Text.count(reason.count)) x \(reason.text)")
        }
        let fallback = result.groups.filter { $0.phase == nil && $0.version == nil && $0.counts.fallback > 0 }
        for group in fallback {
            notes.append(
                "\(group.trafficClass): \(Text.count(group.counts.fallback)) of \(Text.count(group.counts.answers)) answers "
                    + "were fallbacks")
        }
        for line in result.sending where line.problem == nil && line.sent < line.scheduled {
            notes.append(
                "\(line.trafficClass) in \(line.phase): sent \(Text.count(line.sent)) of "
                    + "\(Text.count(line.scheduled)) requests within it, \(Text.rate(line.reachedRate)) of "
                    + "\(Text.rate(line.scheduledRate))")
        }
        for line in result.sending where line.problem == nil && line.latenessP99 > 0.002 {
            notes.append(
                "\(line.trafficClass) in \(line.phase): the generator was late by \(Text.time(line.latenessP99 * 1e9)) "
                    + "(p99); latencies hold that, because they count from when a request was due")
        }
        return notes
    }

    /// One line that says how it ended.
    public static func ending(_ result: LoadTestResult) -> String {
        let open = result.budgets.filter { $0.outcome == .inconclusive }
        switch result.ending {
        case .fine: return "fine: \(result.budgets.count) budgets hold"
        case .inconclusive:
            let more = open.compactMap(\.moreSeconds).max()
            return "inconclusive: \(open.count) of \(result.budgets.count) budgets can neither be confirmed nor refuted"
                + (more.map { "; a run \(Text.number($0)) s longer should tell" } ?? "")
        case .broken, .unreached: return result.problems.joined(separator: "; ")
        case .interrupted:
            return "interrupted after \(Text.decimal(result.interruptedAt ?? 0, 1)) of "
                + "\(Text.number(result.seconds)) s: no budget is judged"
        }
    }

    /// The line that is shown while it runs.
    public static func progress(_ progress: Progress) -> String {
        "\(Text.decimal(progress.seconds, 0))/\(Text.decimal(progress.totalSeconds, 0)) s \(progress.phase)  "
            + "\(Text.rate(Double(progress.answers)))  p50 \(Text.time(progress.p50))  p99 \(Text.time(progress.p99))  "
            + "max \(Text.time(progress.max))  errors \(Text.count(progress.errors))  in flight \(Text.count(progress.inFlight))"
    }
}
