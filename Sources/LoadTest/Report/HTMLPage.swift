// The result as one page that needs nothing else: no script, no network, charts as inline SVG.
//
//     verdict │ budgets │ percentile curves │ latency over time, with marks │ versions │ the generator

public enum HTMLPage {
    public static func encode(_ result: LoadTestResult) -> String {
        let title = JUnitReport.escaped(result.scenario)
        var body = header(result)
        body += section("Budgets", table(budgetTable(result)))
        body += section("Latency by percentile", PercentileChart(result).svg)
        for trafficClass in classes(result) {
            body += section("Latency of \(trafficClass) over time", TimeChart(result, trafficClass).svg)
        }
        let versions = VersionChart(result)
        if versions.isWorthwhile { body += section("Answers by version", versions.svg) }
        body += section("Requests", table(ResultTable.groups(result)))
        let notes = ResultTable.notes(result)
        if !notes.isEmpty {
            body += section(
                "What happened", "<ul>" + notes.map { "<li>\(JUnitReport.escaped($0))</li>" }.joined() + "</ul>")
        }
        body += section("The generator", table(sendingTable(result)))
        return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>\(title)</title>"
            + "<meta name=\"viewport\" content=\"width=device-width\"><style>\(style)</style></head>\n<body><main>"
            + body + "</main></body></html>\n"
    }

    static func classes(_ result: LoadTestResult) -> [String] {
        var names: [String] = []
        for group in result.groups where !names.contains(group.trafficClass) { names.append(group.trafficClass) }
        return names
    }

    private static func header(_ result: LoadTestResult) -> String {
        let (word, kind) =
            switch result.ending {
            case .fine: ("passed", "pass")
            case .inconclusive: ("inconclusive", "inconclusive")
            case .broken: ("failed", "broken")
            case .unreached: ("not measured as asked", "broken")
            case .interrupted: ("interrupted", "inconclusive")
            }
        let targets = Set(result.targets.values).sorted().joined(separator: ", ")
        let about = result.about.map { "<p>\(JUnitReport.escaped($0))</p>" } ?? ""
        return "<h1>\(JUnitReport.escaped(result.scenario)) <span class=\"badge \(kind)\">\(word)</span></h1>\(about)"
            + "<p class=\"quiet\">\(UTCTime.text(result.startedAt)), \(Text.number(result.seconds)) s, "
            + "\(JUnitReport.escaped(targets)). Latencies count from when a request was due.</p>"
            + "<p>\(JUnitReport.escaped(ResultTable.ending(result)))</p>"
    }

    private static func section(_ title: String, _ content: String) -> String {
        "<section><h2>\(JUnitReport.escaped(title))</h2>\(content)</section>\n"
    }

    private static func budgetTable(_ result: LoadTestResult) -> ResultTable.Table { ResultTable.budgets(result) }

    private static func sendingTable(_ result: LoadTestResult) -> ResultTable.Table {
        ResultTable.Table(
            header: [
                "CLASS", "PHASE", "DUE", "SENT IN TIME", "LATE P50", "LATE P99", "LATE MAX", "WAITED P99", "BUSY",
            ],
            rows: result.sending.map { line in
                [
                    line.trafficClass, line.phase, Text.rate(line.scheduledRate), Text.rate(line.reachedRate),
                    Text.time(line.latenessP50 * 1e9), Text.time(line.latenessP99 * 1e9),
                    Text.time(line.latenessMax * 1e9), Text.time(line.waitingP99 * 1e9), Text.percent(line.busy),
                ]
            })
    }

    private static func table(_ table: ResultTable.Table) -> String {
        if table.rows.isEmpty { return "<p class=\"quiet\">none</p>" }
        let head = table.header.map { "<th>\(JUnitReport.escaped($0.lowercased()))</th>" }.joined()
        let rows = table.rows.map { row in
            "<tr>"
                + row.map { cell in
                    let outcome = Verdict.Outcome(rawValue: cell)
                    let text = JUnitReport.escaped(cell)
                    return "<td>\(outcome.map { "<span class=\"badge \($0.rawValue)\">\(text)</span>" } ?? text)</td>"
                }.joined() + "</tr>"
        }
        return "<div class=\"wide\"><table><thead><tr>\(head)</tr></thead><tbody>\(rows.joined())</tbody></table></div>"
    }

    private static let style = """
        :root{color-scheme:light}body{margin:0;background:#f6f7f9;color:#1c2330;font:15px/1.45 system-ui,sans-serif}\
        main{max-width:1080px;margin:0 auto;padding:24px}h1{font-size:26px;margin:0 0 8px}h2{font-size:17px;margin:0 0 10px}\
        section{background:#fff;border:1px solid #dfe3ea;border-radius:8px;padding:16px 18px;margin:16px 0}\
        .quiet{color:#5b6576}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;min-width:640px;font-size:13px}\
        th{text-align:left;color:#5b6576;font-weight:600}th,td{padding:5px 12px 5px 0;border-bottom:1px solid #edf0f4;\
        vertical-align:top;font-variant-numeric:tabular-nums}ul{margin:0;padding-left:20px}\
        .badge{border-radius:999px;padding:1px 9px;font-size:13px;font-weight:600;white-space:nowrap}\
        .pass{background:#d9f2e1;color:#12612f}.broken,.unjudged{background:#fbdcdc;color:#8f1717}\
        .inconclusive{background:#fdecc8;color:#7a4a00}svg{display:block;width:100%;min-width:760px;height:auto}\
        .legend{margin:0 0 8px;font-size:13px}.legend span{display:inline-block;margin-right:20px}\
        .legend i{display:inline-block;width:22px;margin-right:6px;vertical-align:4px}\
        svg text{font:12px system-ui,sans-serif;fill:#5b6576}\
        svg .phase{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}
        """
}

/// Unix time as a date, without a calendar library.
enum UTCTime {
    /// `2026-11-21 20:15:07 UTC` (days to dates: Hinnant, "chrono-compatible low-level date algorithms").
    static func text(_ seconds: Double) -> String {
        let total = Int(seconds.rounded(.down))
        let (days, rest) = (total / 86400, total % 86400)
        let shifted = days + 719_468
        let era = shifted / 146_097
        let day = shifted - era * 146_097
        let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365
        let ofYear = day - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let civilMonth = month < 10 ? month + 3 : month - 9
        let civilYear = year + era * 400 + (civilMonth <= 2 ? 1 : 0)
        return "\(civilYear)-\(two(civilMonth))-\(two(ofYear - (153 * month + 2) / 5 + 1)) "
            + "\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60)) UTC"
    }
}
