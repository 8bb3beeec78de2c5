// Two results side by side: every group of either, and how many times as long the second takes; `-` is what one side
// lacks, for a group without an answer is the worst regression there is.

public enum ResultComparison {
    public static func table(_ first: LoadTestResult, _ second: LoadTestResult) -> ResultTable.Table {
        let rows = GroupKey.all(in: [first, second]).map { key in
            row(key, key.group(in: first), key.group(in: second))
        }
        return ResultTable.Table(
            header: ["CLASS", "PHASE", "VERSION", "P50", "P99", "P99.9", "MAX", "ANSWERS", "ERRORS"], rows: rows)
    }

    /// Some group is in both.
    public static func isComparable(_ first: LoadTestResult, _ second: LoadTestResult) -> Bool {
        GroupKey.all(in: [first]).contains { $0.group(in: second) != nil }
    }

    /// Why the two are not quite the same test, a sentence each.
    public static func differences(_ first: LoadTestResult, _ second: LoadTestResult) -> [String] {
        var lines: [String] = []
        if first.scenario != second.scenario {
            lines.append("different scenarios: \(first.scenario) > \(second.scenario)")
        }
        for phase in first.phases {
            guard let other = second.phases.first(where: { $0.name == phase.name }) else { continue }
            if other.seconds == phase.seconds { continue }
            let (before, after) = (Text.number(phase.seconds), Text.number(other.seconds))
            lines.append("different lengths of phase \(phase.name): \(before) s > \(after) s")
        }
        for (name, result) in [("first", first), ("second", second)] {
            guard let seconds = result.interruptedAt else { continue }
            lines.append("the \(name) was interrupted after \(Text.decimal(seconds, 1)) s")
        }
        return lines
    }

    private static func row(
        _ key: GroupKey, _ before: LoadTestResult.Group?, _ after: LoadTestResult.Group?
    ) -> [String] {
        func time(_ path: KeyPath<LoadTestResult.Latency, Double>) -> String {
            let (one, two) = (before?.latency?[keyPath: path], after?.latency?[keyPath: path])
            let text = pair(one.map { Text.time($0 * 1e9) }, two.map { Text.time($0 * 1e9) })
            guard let one, let two, one > 0 else { return text }
            return "\(text) (\(Text.ratio(two / one)))"
        }
        return [
            key.trafficClass, key.phase ?? "all", key.version ?? "all", time(\.p50), time(\.p99), time(\.p999),
            time(\.max), pair(before.map { Text.rate($0.throughput) }, after.map { Text.rate($0.throughput) }),
            pair(before.map { Text.count($0.counts.errors) }, after.map { Text.count($0.counts.errors) }),
        ]
    }

    private static func pair(_ one: String?, _ two: String?) -> String {
        one == nil && two == nil ? "-" : "\(one ?? "-") > \(two ?? "-")"
    }
}

/// What a group is about.
struct GroupKey: Hashable {
    var trafficClass: String
    var phase: String?
    var version: String?

    init(_ group: LoadTestResult.Group) {
        (trafficClass, phase, version) = (group.trafficClass, group.phase, group.version)
    }

    func group(in result: LoadTestResult) -> LoadTestResult.Group? {
        result.groups.first { GroupKey($0) == self }
    }

    /// Every group once; what an earlier result lacks stands behind its class and phase.
    static func all(in results: [LoadTestResult]) -> [GroupKey] {
        var keys: [GroupKey] = []
        for result in results {
            for key in result.groups.map(GroupKey.init) where !keys.contains(key) {
                let place =
                    keys.lastIndex { $0.trafficClass == key.trafficClass && $0.phase == key.phase }
                    ?? keys.lastIndex { $0.trafficClass == key.trafficClass }
                keys.insert(key, at: place.map { $0 + 1 } ?? keys.count)
            }
        }
        return keys
    }
}
