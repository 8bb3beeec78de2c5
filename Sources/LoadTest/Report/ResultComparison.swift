// Two results side by side: the groups that both have, and how many times as long the second takes.

public enum ResultComparison {
    public static func table(_ first: LoadTestResult, _ second: LoadTestResult) -> ResultTable.Table {
        var rows: [[String]] = []
        for group in first.groups {
            let other = second.groups.first {
                $0.trafficClass == group.trafficClass && $0.phase == group.phase && $0.version == group.version
            }
            guard let other, let before = group.latency, let after = other.latency else { continue }
            func pair(_ path: KeyPath<LoadTestResult.Latency, Double>) -> String {
                let (one, two) = (before[keyPath: path], after[keyPath: path])
                return "\(Text.time(one * 1e9)) > \(Text.time(two * 1e9))"
                    + (one > 0 ? " (\(Text.ratio(two / one)))" : "")
            }
            rows.append([
                group.trafficClass, group.phase ?? "all", group.version ?? "all", pair(\.p50), pair(\.p99),
                pair(\.p999),
                pair(\.max), "\(Text.rate(group.throughput)) > \(Text.rate(other.throughput))",
                "\(Text.count(group.counts.errors)) > \(Text.count(other.counts.errors))",
            ])
        }
        return ResultTable.Table(
            header: ["CLASS", "PHASE", "VERSION", "P50", "P99", "P99.9", "MAX", "ANSWERS", "ERRORS"], rows: rows)
    }
}
