// A budget held against a run, with three answers, because two would have to guess.
//
//                     bound
//     ├──interval──┤    │                    pass
//                  ├────┼──┤                 inconclusive: how much longer it would take
//                       │   ├──interval──┤   broken
//
// A percentile's budget is read as a share: at most 1 % of the requests may be slower than the bound of p99.  The
// interval of that share is the wider one of Wilson's (which knows how little a hundred requests say of p99.9) and the
// block bootstrap's (which knows that slow requests come together).  Ratios to a baseline are the bootstrap's.  A bound
// of nothing at all (errors: 0%) and a maximum are facts: they need no interval.

public struct Verdict: Sendable, Equatable {
    public enum Outcome: String, Sendable, Codable { case pass, broken, inconclusive }

    public var budget: Budget
    public var outcome: Outcome
    /// What was measured, in the measure's unit; the ratio, where the budget is relative. Nil: nothing was.
    public var value: Double?
    /// Of `value`.
    public var interval: Interval?
    /// Why, in a sentence.
    public var reason: String
    /// How much longer the run should be, where that would decide.
    public var moreSeconds: Double?
}

struct BudgetJudge {
    let record: RunRecord
    let confidence: Double
    var redraws = BlockBootstrap.redraws

    func judge(_ budgets: [Budget]) -> [Verdict] { budgets.map(judge) }

    func judge(_ budget: Budget) -> Verdict {
        guard let series = record.series(budget.selection), series.counts.requests > 0 else {
            return Verdict(
                budget: budget, outcome: .inconclusive, reason: "no request of \(budget.selection.text) was sent")
        }
        switch budget.bound {
        case .relative(let factor, let baseline):
            guard let other = record.series(baseline), other.counts.requests > 0 else {
                return Verdict(
                    budget: budget, outcome: .inconclusive, reason: "no request of \(baseline.text) was sent")
            }
            return relative(budget, factor, series, other)
        case .absolute(let bound): return absolute(budget, bound, series)
        }
    }

    private var bootstrap: BlockBootstrap { BlockBootstrap(confidence: confidence, redraws: redraws) }

    // MARK: Absolute

    private func absolute(_ budget: Budget, _ bound: Double, _ series: Series) -> Verdict {
        var verdict = Verdict(budget: budget, outcome: .inconclusive, value: series.value(budget.measure), reason: "")
        guard let value = verdict.value else {
            verdict.reason = "no request was answered"
            if budget.measure.kind == .latency { verdict.outcome = .broken }
            return verdict
        }
        switch budget.measure {
        case .percentile(let percent): judgePercentile(&verdict, percent, bound, series)
        case .max, .mismatches: judgeFact(&verdict, isBroken: value > bound)
        case .throughput: judgeThroughput(&verdict, bound, series)
        case .errors, .timeouts, .shed, .faults, .fallback: judgeShare(&verdict, bound, series)
        }
        if budget.measure.kind == .latency { blameGenerator(&verdict, bound) }
        return verdict
    }

    private func judgeFact(_ verdict: inout Verdict, isBroken: Bool) {
        verdict.outcome = isBroken ? .broken : .pass
        verdict.reason = verdict.budget.measure.text(verdict.value ?? 0)
    }

    private func judgePercentile(_ verdict: inout Verdict, _ percent: Double, _ bound: Double, _ series: Series) {
        let allowed = 1 - percent / 100
        let place = LatencyBins.place(bound)
        let slow = series.blocks.rows.map { row in row.isEmpty ? 0 : Self.above(place, row) }
        let all = series.blocks.rows.map { row in Double(row.reduce(0) { $0 + UInt64($1) }) }
        let count = Double(series.recorded)
        let hits = Double(series.slower(than: bound))
        let share = widest(hits, count, slow, all)
        verdict.interval = bootstrap.percentile(percent, of: series.blocks)
        verdict.outcome = share.high <= allowed ? .pass : share.low > allowed ? .broken : .inconclusive
        verdict.reason =
            "\(Text.percent(hits / count)) of \(Text.count(Int(count))) requests took longer than \(Text.time(bound)), "
            + "\(Text.percent(allowed)) may; with \(Text.percent(confidence)) confidence it is \(Text.percent(share.low)) "
            + "to \(Text.percent(share.high))"
        if verdict.outcome == .inconclusive { askForMore(&verdict, share, hits / count, allowed, series, count) }
    }

    /// Latencies above a place on the bins' scale.
    private static func above(_ place: Double, _ row: [UInt32]) -> Double {
        let bin = Int(place)
        var sum = bin < row.count ? Double(row[bin]) * (1 - (place - Double(bin))) : 0
        for index in min(bin + 1, row.count)..<row.count { sum += Double(row[index]) }
        return sum
    }

    private func judgeShare(_ verdict: inout Verdict, _ bound: Double, _ series: Series) {
        let measure = verdict.budget.measure
        let hits = Double(series.counts.count(measure))
        let whole = measure == .fallback ? series.counts.answers : series.counts.requests
        verdict.reason = "\(Text.count(Int(hits))) of \(Text.count(whole))"
        if bound == 0 || bound == 1 {
            verdict.outcome = hits / Double(max(whole, 1)) > bound ? .broken : .pass
            return
        }
        let share = widest(
            hits, Double(whole), series.blocks.counts.map { Double($0.count(measure)) },
            series.blocks.counts.map { Double(measure == .fallback ? $0.answers : $0.requests) })
        verdict.interval = share
        verdict.outcome = share.high <= bound ? .pass : share.low > bound ? .broken : .inconclusive
        verdict.reason +=
            "; with \(Text.percent(confidence)) confidence \(Text.percent(share.low)) to \(Text.percent(share.high))"
        if verdict.outcome == .inconclusive {
            askForMore(&verdict, share, hits / Double(whole), bound, series, Double(whole))
        }
    }

    private func judgeThroughput(_ verdict: inout Verdict, _ bound: Double, _ series: Series) {
        let value = verdict.value ?? 0
        let blocks = series.blocks.counts.map { Double($0.answers) }
        let interval = bootstrap.share(blocks, of: blocks.map { _ in series.seconds / Double(blocks.count) })
        verdict.interval = interval
        let (low, high) = (interval?.low ?? value, interval?.high ?? value)
        // What was answered is counted, so a run at its full rate passes even where the rate is the bound itself.
        verdict.outcome = high < bound ? .broken : value >= bound ? .pass : .inconclusive
        verdict.reason = "\(Text.count(series.counts.answers)) answers in \(Text.number(series.seconds)) s"
        if verdict.outcome == .inconclusive {
            askForMore(&verdict, Interval(low: low, high: high), value, bound, series, Double(series.counts.requests))
        }
    }

    private func widest(_ hits: Double, _ count: Double, _ parts: [Double], _ wholes: [Double]) -> Interval {
        var interval = BlockBootstrap.wilson(hits, of: count, confidence: confidence)
        if let drawn = bootstrap.share(parts, of: wholes) {
            interval.low = min(interval.low, drawn.low)
            interval.high = max(interval.high, drawn.high)
        }
        return interval
    }

    // MARK: Relative

    private func relative(_ budget: Budget, _ factor: Double, _ series: Series, _ other: Series) -> Verdict {
        var verdict = Verdict(budget: budget, outcome: .inconclusive, reason: "")
        guard let mine = series.value(budget.measure) else {
            verdict.outcome = .broken
            verdict.reason = "no request of \(budget.selection.text) was answered"
            return verdict
        }
        guard let theirs = other.value(budget.measure), theirs > 0 else {
            verdict.reason = "no request of \(budget.baselineText) was answered, so there is nothing to compare with"
            return verdict
        }
        verdict.value = mine / theirs
        switch budget.measure {
        case .percentile(let percent):
            verdict.interval = bootstrap.ratio(percent, of: series.blocks, to: other.blocks)
        case .throughput:
            let scale = other.seconds / series.seconds
            verdict.interval = bootstrap.throughputRatio(of: series.blocks, to: other.blocks)
                .map { Interval(low: $0.low * scale, high: $0.high * scale) }
        default: verdict.interval = Interval(low: mine / theirs, high: mine / theirs)
        }
        verdict.reason = "\(budget.measure.text(mine)) against \(budget.measure.text(theirs))"
        guard let interval = verdict.interval else { return verdict }
        verdict.reason +=
            "; with \(Text.percent(confidence)) confidence \(Text.ratio(interval.low)) to \(Text.ratio(interval.high))"
        if budget.measure.isFloor {
            verdict.outcome = interval.low >= factor ? .pass : interval.high < factor ? .broken : .inconclusive
        } else {
            verdict.outcome = interval.high <= factor ? .pass : interval.low > factor ? .broken : .inconclusive
        }
        if verdict.outcome == .inconclusive {
            askForMore(&verdict, interval, mine / theirs, factor, series, Double(series.counts.requests))
        }
        return verdict
    }

    // MARK: Inconclusive

    /// An interval shrinks with the root of the run's length: how long until it no longer holds the bound?
    private func askForMore(
        _ verdict: inout Verdict, _ interval: Interval, _ value: Double, _ bound: Double, _ series: Series,
        _ count: Double
    ) {
        let half = value < bound ? interval.high - value : value - interval.low
        let distance = abs(bound - value)
        var growth = distance > 0 ? (half / distance) * (half / distance) : .infinity
        if value == 0, bound > 0, count > 0 {
            // Without a single event Wilson's bound is z² / (n + z²).
            let z = BlockBootstrap.normalQuantile(1 - (1 - confidence) / 2)
            growth = max(z * z * (1 - bound) / bound / count, 1)
        }
        guard growth < (value == 0 ? 1e5 : 50) else {
            verdict.reason += "; the truth lies so near the bound that no longer run would tell soon"
            return
        }
        let more = (series.seconds * max(growth * 1.1 - 1, 0.1)).rounded(.up)
        verdict.moreSeconds = more
        verdict.reason += "; run about \(Text.number(more)) s longer"
    }

    /// A latency budget that breaks only because requests left late is no finding about the server.
    private func blameGenerator(_ verdict: inout Verdict, _ bound: Double) {
        guard verdict.outcome == .broken else { return }
        var late = 0.0
        for phase in record.phases.indices
        where verdict.budget.selection.phase == nil || record.phases[phase].name == verdict.budget.selection.phase {
            guard let index = record.classes.firstIndex(of: verdict.budget.selection.trafficClass),
                let sending = record.sending(index, phase)
            else { continue }
            late = max(late, sending.lateness.value(verdict.budget.measure) ?? 0)
        }
        if late > bound / 2 {
            verdict.outcome = .inconclusive
            verdict.reason +=
                "; but the generator itself was late by \(Text.time(late)) (\(verdict.budget.measure.name)): it needs a "
                + "free core"
        }
    }
}
