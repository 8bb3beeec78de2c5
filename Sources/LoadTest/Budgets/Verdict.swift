// A budget held against a run, with three answers, because two would have to guess; and a fourth, unjudged, where the run
// holds nothing to judge it by (no such request, a baseline that failed): that is no pass either.
//
//                     bound
//     ├──interval──┤    │                    pass
//                  ├────┼──┤                 inconclusive: how much longer it would take
//                       │   ├──interval──┤   broken
//
// A percentile's budget is read as a share: at most 1 % of the requests may be slower than the bound of p99.  The
// interval of that share is the wider one of Wilson's (which knows how little a hundred requests say of p99.9) and the
// block bootstrap's (which knows that slow requests come together).  A ratio to a baseline has the paired
// bootstrap's, and where few requests are beyond the percentile the order statistics', if wider (OrderStatistics).  A bound of
// nothing at all (errors: 0%) and a maximum are facts: they need no interval.  Two maxima are compared by how often one
// side is slower than ever the other (Precedence).
//
// Requests that ended without an answer name no version.  A version's budget is judged twice, as if none and as if all of
// them had been its own, and where the two differ it is inconclusive.

public struct Verdict: Sendable, Equatable {
    public enum Outcome: String, Sendable, Codable { case pass, broken, inconclusive, unjudged }

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
    var interruptedAt: Double?

    func judge(_ budgets: [Budget]) -> [Verdict] { budgets.map(judge) }

    func judge(_ budget: Budget) -> Verdict {
        if interruptedAt != nil { return unjudged(budget, "the run was interrupted") }
        guard let series = record.series(budget.selection), series.counts.requests > 0 else {
            return unjudged(budget, "no request of \(budget.selection.text) was sent, or none was answered by it")
        }
        let nameless = record.unattributed(budget.selection)
        switch budget.bound {
        case .absolute(let bound):
            let verdict = absolute(budget, bound, series)
            guard let nameless else { return verdict }
            return agreed(verdict, absolute(budget, bound, series.with(nameless)), nameless)
        case .relative(let factor, let baseline):
            guard let other = record.series(baseline), other.counts.requests > 0 else {
                return unjudged(budget, "no request of \(baseline.text) was sent, or none was answered by it")
            }
            if let reason = failing(other, beside: series) {
                return unjudged(budget, "\(baseline.text) is nothing to compare with: \(reason)")
            }
            var verdict = relative(budget, factor, series, other)
            if let nameless {
                verdict = agreed(verdict, relative(budget, factor, series.with(nameless), other), nameless)
            }
            if let nameless = record.unattributed(baseline) {
                verdict = agreed(verdict, relative(budget, factor, series, other.with(nameless)), nameless)
            }
            return verdict
        }
    }

    private func unjudged(_ budget: Budget, _ reason: String) -> Verdict {
        Verdict(budget: budget, outcome: .unjudged, reason: reason)
    }

    /// A verdict that holds whether or not the requests without a version's name were the version's own.
    private func agreed(_ first: Verdict, _ second: Verdict, _ nameless: Series) -> Verdict {
        if first.outcome == second.outcome { return first }
        var verdict = first
        verdict.outcome = .inconclusive
        verdict.moreSeconds = nil
        verdict.reason +=
            "; but \(Text.count(nameless.counts.errors)) failed requests of the class name no version, and it is "
            + "\(second.outcome.rawValue) if they were its own (\(second.reason)): a class that asks for a version "
            + "by its path knows"
        return verdict
    }

    /// Why a baseline is none; nil: it answers as well as what is held against it.
    private func failing(_ baseline: Series, beside series: Series) -> String? {
        func share(_ series: Series) -> Double { Double(series.counts.errors) / Double(max(series.counts.requests, 1)) }
        let least = BlockBootstrap.wilson(
            Double(baseline.counts.errors), of: Double(baseline.counts.requests), confidence: confidence
        ).low
        guard least > Self.failingShare, share(baseline) > 2 * share(series) else { return nil }
        return "\(Text.percent(share(baseline))) of its requests failed"
    }

    /// A baseline that fails more often than this, and twice as often as what is held against it, is none.
    private static let failingShare = 0.01

    private var bootstrap: BlockBootstrap { BlockBootstrap(confidence: confidence, redraws: redraws) }

    // MARK: Absolute

    private func absolute(_ budget: Budget, _ bound: Double, _ series: Series) -> Verdict {
        var verdict = Verdict(budget: budget, outcome: .inconclusive, value: series.value(budget.measure), reason: "")
        guard let value = verdict.value else {
            verdict.reason = "no request was answered"
            verdict.outcome = budget.measure.kind == .latency ? .broken : .unjudged
            return verdict
        }
        switch budget.measure {
        case .percentile(let percent): judgePercentile(&verdict, percent, bound, series)
        case .mismatches where series.counts.checked == 0:
            return unjudged(budget, "no score of its \(Text.count(series.counts.answers)) answers could be compared")
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
        let blocks = series.blocks.completed
        let interval = bootstrap.share(blocks, of: blocks.map { _ in series.seconds / Double(blocks.count) })
        verdict.interval = interval
        let (low, high) = (interval?.low ?? value, interval?.high ?? value)
        // What was answered is counted, so a run at its full rate passes even where the rate is the bound itself.
        verdict.outcome = high < bound ? .broken : value >= bound ? .pass : .inconclusive
        verdict.reason = "\(Text.count(series.counts.answersInTime)) answers in \(Text.number(series.seconds)) s"
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
        guard let mine = series.value(budget.measure), mine > 0 else {
            verdict.outcome = .broken
            verdict.reason = "no request of \(budget.selection.text) was answered"
            return verdict
        }
        guard let theirs = other.value(budget.measure), theirs > 0 else {
            return unjudged(budget, "no request of \(budget.baselineText) was answered: nothing to compare with")
        }
        verdict.value = mine / theirs
        verdict.reason = "\(budget.measure.text(mine)) against \(budget.measure.text(theirs))"
        switch budget.measure {
        case .percentile(let percent):
            let interval = bootstrap.widestRatio(percent, of: series.blocks, to: other.blocks)
            conclude(&verdict, interval, factor)
            if verdict.outcome != .inconclusive { return verdict }
            guard interval.high.isFinite, interval.low > 0 else {
                // The side with fewer requests decides how long it takes.
                askForMore(&verdict, percent, series.recorded < other.recorded ? series : other)
                return verdict
            }
            askForMore(&verdict, interval, mine / theirs, factor, series, Double(series.counts.requests))
        case .throughput:
            let scale = other.seconds / series.seconds
            let drawn = bootstrap.throughputRatio(of: series.blocks, to: other.blocks)
            let interval = Interval(
                low: (drawn?.low ?? 0) * scale, high: drawn.map { $0.high * scale } ?? .infinity)
            conclude(&verdict, interval, factor)
            if verdict.outcome == .inconclusive {
                askForMore(&verdict, interval, mine / theirs, factor, series, Double(series.counts.requests))
            }
        default: judgeMaxima(&verdict, factor, series, other)
        }
        return verdict
    }

    private func conclude(_ verdict: inout Verdict, _ interval: Interval, _ factor: Double) {
        if verdict.budget.measure.isFloor {
            verdict.outcome = interval.low >= factor ? .pass : interval.high < factor ? .broken : .inconclusive
        } else {
            verdict.outcome = interval.high <= factor ? .pass : interval.low > factor ? .broken : .inconclusive
        }
        verdict.reason += "; with \(Text.percent(confidence)) confidence "
        if interval.high.isFinite {
            verdict.interval = interval
            verdict.reason += "\(Text.ratio(interval.low)) to \(Text.ratio(interval.high))"
        } else {
            verdict.reason += "\(Text.ratio(interval.low)) or more"
        }
    }

    private func judgeMaxima(_ verdict: inout Verdict, _ factor: Double, _ series: Series, _ other: Series) {
        let count = Precedence(series.blocks, other.blocks, factor: factor, confidence: confidence)
        let isSlower = count.mine > 0
        let (seen, needed) = isSlower ? (count.mine, count.needed.mine) : (count.theirs, count.needed.theirs)
        verdict.outcome = seen < needed ? .inconclusive : isSlower ? .broken : .pass
        verdict.reason +=
            isSlower
            ? "; slower than \(Text.number(factor)) x the baseline ever was at \(Text.count(seen)) times"
            : "; the baseline's \(Text.number(factor)) x was slower than it ever was at \(Text.count(seen)) times"
        verdict.reason += ", and it takes \(Text.count(needed)) to be no chance"
        guard verdict.outcome == .inconclusive else { return }
        let more = (series.seconds * Double(needed) / Double(max(seen, 1)) - series.seconds).rounded(.up)
        verdict.moreSeconds = more
        verdict.reason += "; run about \(Text.number(more)) s longer"
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

    /// So few requests that a percentile has no upper bound.
    private func askForMore(_ verdict: inout Verdict, _ percent: Double, _ series: Series) {
        let needed = 1.5 * OrderStatistics(confidence: confidence).countNeeded(percent)
        let more = (series.seconds * max(needed / Double(max(series.recorded, 1)) - 1, 0.1)).rounded(.up)
        verdict.moreSeconds = more
        verdict.reason +=
            "; \(Text.count(series.recorded)) requests are too few for \(verdict.budget.measure.name): run about "
            + "\(Text.number(more)) s longer"
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
        if late > 0, (verdict.value ?? 0) - late <= bound {
            verdict.outcome = .inconclusive
            verdict.reason +=
                "; but the generator itself was late by \(Text.time(late)) (\(verdict.budget.measure.name)): it needs a "
                + "free core"
        }
    }
}
