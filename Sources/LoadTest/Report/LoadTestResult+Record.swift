// From the record to the document.

internal import Histogram

extension LoadTestResult {
    static let slicesMax = 200

    mutating func fill(_ scenario: Scenario, _ engine: LoadEngine, redraws: Int) {
        let record = engine.record
        about = scenario.about
        confidence = scenario.confidence
        targets = scenario.targets.mapValues { "\($0)" }
        var at = 0.0
        for phase in scenario.phases {
            phases.append(PhaseLine(name: phase.name, at: at, seconds: phase.seconds))
            at += phase.seconds
        }
        for (index, name) in record.classes.enumerated() {
            addGroups(record, name)
            for (text, count) in engine.reasons[index].sorted(by: { $0.value > $1.value }) {
                reasons.append(Reason(trafficClass: name, text: text, count: count))
            }
            addTimelines(record, index)
            for phase in scenario.phases.indices { addSending(engine, scenario, index, phase) }
        }
        let judge = BudgetJudge(
            record: record, confidence: scenario.confidence, redraws: redraws, interruptedAt: engine.interruptedAt)
        budgets = judge.judge(scenario.budgets).map(BudgetLine.init)
    }

    private mutating func addGroups(_ record: RunRecord, _ name: String) {
        let index = record.classes.firstIndex(of: name) ?? 0
        let versions = record.versions[index].filter { version in
            !version.isEmpty
                && record.series(Selection(trafficClass: name, version: version))?.counts.requests ?? 0 > 0
        }
        let phaseNames = record.phases.filter { $0.loads[name] != nil }.map(\.name)
        for phase in [nil] + phaseNames.map(Optional.some) where phase == nil || phaseNames.count > 1 {
            for version in [nil] + versions.map(Optional.some) {
                let selection = Selection(trafficClass: name, phase: phase, version: version)
                guard let series = record.series(selection), version == nil || series.counts.requests > 0 else {
                    continue
                }
                groups.append(Group(selection, series))
            }
        }
    }

    private mutating func addTimelines(_ record: RunRecord, _ index: Int) {
        let used = record.versions[index].filter { !$0.isEmpty }
        for version in [nil] + (used.count > 1 ? used.map(Optional.some) : []) {
            var slices: [Timeline.Slice] = []
            for (phase, line) in phases.enumerated() {
                guard let series = record.series(index, phase, version: version) else { continue }
                slices += Self.slices(series.blocks, at: line.at, most: max(1, Self.slicesMax / phases.count))
            }
            timelines.append(Timeline(trafficClass: record.classes[index], version: version, slices: slices))
        }
    }

    private static func slices(_ table: BlockTable, at start: Double, most: Int) -> [Timeline.Slice] {
        let size = (table.blockCount + most - 1) / most
        return stride(from: 0, to: table.blockCount, by: size).map { first in
            let blocks = first..<min(first + size, table.blockCount)
            var counts = Counts()
            for block in blocks { counts.add(table.counts[block]) }
            return Timeline.Slice(
                at: start + Double(first) * table.blockSeconds, seconds: Double(blocks.count) * table.blockSeconds,
                answers: counts.answers, errors: counts.errors,
                p50: table.percentile(50, blocks: blocks).map { $0 / 1e9 },
                p99: table.percentile(99, blocks: blocks).map { $0 / 1e9 },
                max: table.percentile(100, blocks: blocks).map { $0 / 1e9 })
        }
    }

    private mutating func addSending(_ engine: LoadEngine, _ scenario: Scenario, _ index: Int, _ phase: Int) {
        let entry = scenario.classes[index]
        let plan = scenario.phases[phase]
        let seconds = engine.record.elapsed[phase]
        guard let sending = engine.record.sending(index, phase), let load = plan.loads[entry.name], seconds > 0 else {
            return
        }
        var line = Sending(
            trafficClass: entry.name, phase: plan.name, scheduled: sending.scheduled, sent: sending.sent,
            scheduledRate: Double(sending.scheduled) / seconds, reachedRate: Double(sending.sent) / seconds,
            latenessP50: (sending.lateness.percentile(50) ?? 0) / 1e9,
            latenessP99: (sending.lateness.percentile(99) ?? 0) / 1e9,
            latenessMax: (sending.lateness.value(.max) ?? 0) / 1e9,
            waitingP99: (sending.waiting.percentile(99) ?? 0) / 1e9, busy: engine.busy[phase], problem: nil,
            isOwnFault: false)
        if case .closed = load {
            line.scheduledRate = line.reachedRate
            line.explainBusy()
        } else if engine.interruptedAt == nil {
            line.explain(entry)
        }
        self.sending.append(line)
    }
}

extension LoadTestResult.Sending {
    /// A twentieth of the requests may be under way when a phase ends; more were not sent at the rate they were due.
    static let toleratedShare = 0.95

    /// The users of a closed loop wait for the generator as they wait for the target, and cannot tell.
    mutating func explainBusy() {
        guard busy > 0.95 else { return }
        isOwnFault = true
        problem =
            "the generator itself is the bottleneck (its thread was busy \(Text.percent(busy)) of the time): its "
            + "latencies are its own; have fewer users or more think time, or give it a core of its own"
    }

    /// Says why a rate was not reached.
    mutating func explain(_ entry: TrafficClass) {
        guard Double(sent) < Self.toleratedShare * Double(scheduled) - 1 else { return }
        let reached = "reached \(Text.rate(reachedRate)) of \(Text.rate(scheduledRate))"
        // Late itself, or waiting for the target? Microseconds late is not late.
        isOwnFault = (latenessP50 > 0.001 && latenessP50 >= waitingP99) || (busy > 0.9 && latenessP99 > 0.01)
        if isOwnFault {
            problem =
                "\(reached): the generator itself is the bottleneck (its thread was busy \(Text.percent(busy)) of the "
                + "time, half of the requests were late by \(Text.time(latenessP50 * 1e9)) or more); lower the rate, or "
                + "give it a core of its own"
        } else if waitingP99 <= latenessP50 {
            // What never got a stream has not waited for one to its end: those that were sent say nothing of it.
            problem =
                "\(reached): \(Text.count(scheduled - sent)) requests had no open connection with a free stream until "
                + "their time was over; the target stopped answering"
        } else {
            problem =
                "\(reached): all \(entry.connections) x \(entry.streams) streams were in use, so requests waited up to "
                + "\(Text.time(waitingP99 * 1e9)) (p99) for one; the target answers too slowly for so few: raise "
                + "connections or streams, or lower the rate"
        }
    }
}

extension LoadTestResult.Group {
    init(_ selection: Selection, _ series: Series) {
        self.init(
            trafficClass: selection.trafficClass, phase: selection.phase, version: selection.version,
            seconds: series.seconds, counts: series.counts, throughput: series.value(.throughput) ?? 0,
            latency: nil, histogram: [])
        guard series.recorded > 0 else { return }
        func seconds(_ percent: Double) -> Double { (series.percentile(percent) ?? 0) / 1e9 }
        latency = LoadTestResult.Latency(
            mean: series.mean / 1e9, p50: seconds(50), p90: seconds(90), p95: seconds(95), p99: seconds(99),
            p999: seconds(99.9), max: (series.value(.max) ?? 0) / 1e9)
        histogram = series.latency.recordedValues().map { [Double($0.value) / 1000, Double($0.count)] }
    }
}

extension LoadTestResult.BudgetLine {
    init(_ verdict: Verdict) {
        let budget = verdict.budget
        let isLatency = budget.measure.kind == .latency && !budget.isRelative
        let scale = isLatency ? 1e-9 : 1
        let bound =
            switch budget.bound {
            case .absolute(let value): value * scale
            case .relative(let factor, _): factor
            }
        self.init(
            text: budget.text, measure: budget.measure.name, trafficClass: budget.selection.trafficClass,
            phase: budget.selection.phase, outcome: verdict.outcome, value: verdict.value.map { $0 * scale },
            bound: bound, interval: verdict.interval.map { Interval(low: $0.low * scale, high: $0.high * scale) },
            isRelative: budget.isRelative, reason: verdict.reason, moreSeconds: verdict.moreSeconds)
    }
}
