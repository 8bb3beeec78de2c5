// Results of several generators of one scenario, added up.
//
//     counts, rates, histograms ─► sums      percentiles ─► read again from the sum      timelines ─► counts alone
//     lateness, busy ─► the worst generator's      budgets ─► none: each generator judged its own

public import Configuration
internal import Histogram

public enum ResultMerge {
    /// - Parameter sources: the files' names, for errors.
    public static func merge(
        _ results: [LoadTestResult], sources: [String]
    ) throws(ConfigurationError) -> LoadTestResult {
        guard var merged = results.first else {
            throw ConfigurationError(source: "merge", message: "expected a result")
        }
        for (result, source) in zip(results, sources) { try check(result, beside: merged, source) }
        merged.startedAt = results.map(\.startedAt).min() ?? 0
        merged.seconds = results.map(\.seconds).max() ?? 0
        merged.interruptedAt = results.compactMap(\.interruptedAt).min()
        for result in results.dropFirst() {
            merged.targets.merge(result.targets) { $0 == $1 ? $0 : "\($0), \($1)" }
        }
        merged.groups = GroupKey.all(in: results).compactMap { key in add(results.compactMap(key.group(in:))) }
        merged.sending = sending(results)
        merged.reasons = reasons(results)
        merged.timelines = timelines(results)
        merged.marks = results.flatMap(\.marks).sorted { $0.at < $1.at }
        merged.budgets = []
        merged.notes = notes(results)
        return merged
    }

    private static func notes(_ results: [LoadTestResult]) -> [String] {
        var notes: [String] = []
        for note in results.flatMap(\.notes) where !notes.contains(note) { notes.append(note) }
        notes.append("merged from \(results.count) results; lateness is the worst generator's")
        let budgets = results.flatMap(\.budgets)
        if !budgets.isEmpty {
            let broken = budgets.filter { $0.outcome == .broken }.count
            notes.append(
                "budgets are not merged: each generator judged its own, and \(broken) of \(budgets.count) were broken")
        }
        return notes
    }

    // MARK: What can be added

    private static func check(
        _ result: LoadTestResult, beside first: LoadTestResult, _ source: String
    ) throws(ConfigurationError) {
        func names(_ result: LoadTestResult) -> Set<String> { Set(result.groups.map(\.trafficClass)) }
        let isSame =
            result.scenario == first.scenario && result.phases == first.phases && names(result) == names(first)
        guard isSame else {
            throw ConfigurationError(
                source: source,
                message: "is not of the same scenario, classes and phases as the first (\(quoted(first.scenario)))")
        }
    }

    // MARK: Sums

    private static func add(_ parts: [LoadTestResult.Group]) -> LoadTestResult.Group? {
        guard var group = parts.first else { return nil }
        for part in parts.dropFirst() {
            group.counts.add(part.counts)
            group.throughput += part.throughput
            group.seconds = max(group.seconds, part.seconds)
        }
        // The same bins as when they were recorded.
        var latency = Series(seconds: 1, blocksMax: 1).latency
        for entry in parts.flatMap(\.histogram) {
            latency.record(UInt64((entry[0] * 1000).rounded()), count: UInt64(entry[1]))
        }
        let found = parts.filter { $0.latency != nil }
        let most = found.compactMap { $0.latency?.max }.max() ?? 0
        (group.latency, group.histogram) = (nil, [])
        guard latency.totalCount > 0 else { return group }
        let sum = found.reduce(0.0) { sum, part in
            sum + (part.latency?.mean ?? 0) * part.histogram.reduce(0.0) { $0 + $1[1] }
        }
        func seconds(_ percent: Double) -> Double { min(Double(latency.valueAtPercentile(percent)) / 1e9, most) }
        group.latency = LoadTestResult.Latency(
            mean: sum / Double(latency.totalCount), p50: seconds(50), p90: seconds(90), p95: seconds(95),
            p99: seconds(99), p999: seconds(99.9), max: most)
        group.histogram = latency.recordedValues().map { [Double($0.value) / 1000, Double($0.count)] }
        return group
    }

    private static func sending(_ results: [LoadTestResult]) -> [LoadTestResult.Sending] {
        var lines: [LoadTestResult.Sending] = []
        for line in results.flatMap(\.sending) {
            let found = lines.firstIndex { $0.trafficClass == line.trafficClass && $0.phase == line.phase }
            if let found { add(line, to: &lines[found]) } else { lines.append(line) }
        }
        return lines
    }

    private static func add(_ line: LoadTestResult.Sending, to sum: inout LoadTestResult.Sending) {
        sum.scheduled += line.scheduled
        sum.sent += line.sent
        sum.scheduledRate += line.scheduledRate
        sum.reachedRate += line.reachedRate
        sum.latenessP50 = max(sum.latenessP50, line.latenessP50)
        sum.latenessP99 = max(sum.latenessP99, line.latenessP99)
        sum.latenessMax = max(sum.latenessMax, line.latenessMax)
        sum.waitingP99 = max(sum.waitingP99, line.waitingP99)
        sum.busy = max(sum.busy, line.busy)
        let problems = [sum.problem, line.problem].compactMap { $0 }
        sum.problem = problems.isEmpty ? nil : problems.joined(separator: "; ")
        sum.isOwnFault = sum.isOwnFault || line.isOwnFault
    }

    private static func reasons(_ results: [LoadTestResult]) -> [LoadTestResult.Reason] {
        var sums: [LoadTestResult.Reason] = []
        for reason in results.flatMap(\.reasons) {
            let found = sums.firstIndex { $0.trafficClass == reason.trafficClass && $0.text == reason.text }
            if let found { sums[found].count += reason.count } else { sums.append(reason) }
        }
        return sums.sorted { $0.count > $1.count }
    }

    /// Slice by slice, where all have the same; percentiles cannot be added.
    private static func timelines(_ results: [LoadTestResult]) -> [LoadTestResult.Timeline] {
        var lines: [LoadTestResult.Timeline] = []
        for line in results.flatMap(\.timelines) {
            let isKnown = lines.contains { $0.trafficClass == line.trafficClass && $0.version == line.version }
            if isKnown { continue }
            let parts = results.flatMap(\.timelines).filter {
                $0.trafficClass == line.trafficClass && $0.version == line.version
            }
            if let sum = add(parts) { lines.append(sum) }
        }
        return lines
    }

    private static func add(_ parts: [LoadTestResult.Timeline]) -> LoadTestResult.Timeline? {
        guard var line = parts.first else { return nil }
        for place in line.slices.indices { (line.slices[place].p50, line.slices[place].p99) = (nil, nil) }
        for part in parts.dropFirst() {
            guard part.slices.count == line.slices.count else { return nil }
            for (place, slice) in part.slices.enumerated() {
                guard slice.at == line.slices[place].at, slice.seconds == line.slices[place].seconds else { return nil }
                line.slices[place].answers += slice.answers
                line.slices[place].errors += slice.errors
                line.slices[place].max = [line.slices[place].max, slice.max].compactMap { $0 }.max()
            }
        }
        return line
    }
}
