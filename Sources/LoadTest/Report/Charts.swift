// The page's three charts.

internal import Glibc

/// Percentiles on an axis that gives each nine the same room, as HdrHistogram's plots do.
struct PercentileChart {
    let svg: String

    init(_ result: LoadTestResult) {
        let all = result.groups.filter { $0.phase == nil && !$0.histogram.isEmpty }
        // Versions where the page has room for them.
        let groups = all.count <= 6 ? all : Array(all.filter { $0.version == nil }.prefix(8))
        let nines = Self.nines(groups.map(\.counts.answers).max() ?? 0)
        var chart = Chart(times: groups.flatMap { group in group.histogram.map { $0[0] * 1000 } })
        for (index, label) in ["0", "90", "99", "99.9", "99.99", "99.999", "99.9999"].enumerated()
        where Double(index) <= nines {
            chart.label("\(label) %", at: Double(index) / nines)
        }
        chart.label("50 %", at: -log10(0.5) / nines)
        for (index, group) in groups.enumerated() {
            let color = Chart.colors[index % Chart.colors.count]
            let dash = group.version == nil ? "" : "6 4"
            chart.line(Self.points(group, nines), color: color, dash: dash)
            chart.legend(
                group.trafficClass + (group.version.map { ", version \($0)" } ?? ""), color: color, dash: dash)
        }
        svg = chart.svg("latency by percentile")
    }

    /// How many nines the requests can show, with one more for room.
    private static func nines(_ count: Int) -> Double { min(max(log10(Double(max(count, 10))).rounded(.up), 2), 6) }

    private static func points(_ group: LoadTestResult.Group, _ nines: Double) -> [(Double, Double)?] {
        let total = group.histogram.reduce(0) { $0 + $1[1] }
        var (sum, last, points): (Double, Double, [(Double, Double)?]) = (0, -1, [])
        for entry in group.histogram {
            sum += entry[1]
            let share = -log10(max(1 - sum / total, pow(10, -nines))) / nines
            // No finer than the page shows.
            if share - last < 0.002, sum < total { continue }
            points.append((share, entry[0] * 1000))
            last = share
        }
        return points
    }
}

/// p50, p99 and max of a class over time, p99 of each version, and what was done meanwhile.
struct TimeChart {
    let svg: String

    init(_ result: LoadTestResult, _ trafficClass: String) {
        let lines = result.timelines.filter { $0.trafficClass == trafficClass }
        let all = lines.first { $0.version == nil }?.slices ?? []
        var chart = Chart(times: all.flatMap { [$0.p50, $0.max] }.compactMap { $0 }.map { $0 * 1e9 })
        TimeAxis.draw(result, on: &chart)
        let shown: [(String, String, KeyPath<LoadTestResult.Timeline.Slice, Double?>)] = [
            ("max", "#c3cad5", \.max), ("p99", Chart.colors[0], \.p99), ("p50", Chart.colors[2], \.p50),
        ]
        for (name, color, path) in shown {
            chart.line(TimeAxis.points(all, result.seconds, path), color: color)
            chart.legend(name, color: color)
        }
        for (index, line) in lines.filter({ $0.version != nil }).enumerated() {
            let color = Chart.colors[(index + 3) % Chart.colors.count]
            chart.line(TimeAxis.points(line.slices, result.seconds, \.p99), color: color, width: 1.3, dash: "5 3")
            chart.legend("p99 of version \(line.version ?? "")", color: color, dash: "5 3")
        }
        svg = chart.svg("latency of \(trafficClass) over time") + TimeAxis.list(result)
    }
}

/// Answers a second of each version of each class, and errors.
struct VersionChart {
    let svg: String
    let isWorthwhile: Bool

    init(_ result: LoadTestResult) {
        let versions = result.timelines.filter { $0.version != nil }
        let totals = result.timelines.filter { $0.version == nil }
        isWorthwhile = !versions.isEmpty || totals.contains { $0.slices.contains { $0.errors > 0 } }
        func rate(_ slice: LoadTestResult.Timeline.Slice, _ count: Int) -> Double { Double(count) / slice.seconds }
        let shown = versions.isEmpty ? totals : versions
        var chart = Chart(most: shown.flatMap { $0.slices.map { rate($0, $0.answers) } }.max() ?? 1)
        TimeAxis.draw(result, on: &chart)
        for (index, line) in shown.enumerated() {
            let color = Chart.colors[index % Chart.colors.count]
            chart.line(
                line.slices.map { (($0.at + $0.seconds / 2) / result.seconds, rate($0, $0.answers)) }, color: color)
            chart.legend(
                line.trafficClass + (line.version.map { ", version \($0)" } ?? ""), color: color)
        }
        for line in totals where line.slices.contains(where: { $0.errors > 0 }) {
            chart.line(
                line.slices.map { (($0.at + $0.seconds / 2) / result.seconds, rate($0, $0.errors)) }, color: "#b91c1c",
                dash: "2 2")
            chart.legend("errors of \(line.trafficClass)", color: "#b91c1c", dash: "2 2")
        }
        svg = chart.svg("answers by version")
    }
}

/// The axis of time: seconds, phases, marks.
private enum TimeAxis {
    static func draw(_ result: LoadTestResult, on chart: inout Chart) {
        // Round moments, not tenths of the run: a label is exactly where it says.
        let step = Chart.nice(result.seconds / 10, up: true)
        for seconds in stride(from: 0, through: result.seconds * 1.0001, by: step) {
            chart.label("\(Text.number(seconds)) s", at: seconds / result.seconds)
        }
        if result.phases.count > 1 {
            for phase in result.phases { chart.boundary(phase.name, at: phase.at / result.seconds) }
        }
        for (index, mark) in result.marks.enumerated() {
            chart.mark(
                index + 1, at: mark.at / result.seconds, title: mark.text, isProblem: mark.problem != nil)
        }
    }

    static func points(
        _ slices: [LoadTestResult.Timeline.Slice], _ seconds: Double,
        _ path: KeyPath<LoadTestResult.Timeline.Slice, Double?>
    ) -> [(Double, Double)?] {
        slices.map { slice in slice[keyPath: path].map { ((slice.at + slice.seconds / 2) / seconds, $0 * 1e9) } }
    }

    /// The marks' numbers in words.
    static func list(_ result: LoadTestResult) -> String {
        if result.marks.isEmpty { return "" }
        let items = result.marks.map { mark in
            "<li>\(JUnitReport.escaped("\(Text.decimal(mark.at, 1)) s: \(mark.text)"))"
                + (mark.problem.map { ", <b>failed</b>: \(JUnitReport.escaped($0))" } ?? "") + "</li>"
        }
        return "<ol class=\"quiet\">\(items.joined())</ol>"
    }
}
