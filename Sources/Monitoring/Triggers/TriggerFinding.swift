// Why a trigger fires: the figure that is worst, where its limit is, and on how much it rests.
//
// Only what is known counts: below the minimum of rows or labels nothing is found, and nothing is found wrong.

public import Configuration

public struct TriggerFinding: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        case drift, accuracy
        case labelDelay = "label-delay"
        case violations
    }

    public var kind: Kind
    public var version: String
    /// A feature's or score's name, a metric's, a delay, `requests`.
    public var figure: String
    /// PSI, the metric, a share.
    public var value: Double
    public var limit: Double
    /// Rows, labels or requests.
    public var samples: UInt64
    /// `5m`, `1h`, `24h`; of labels `1d`, `7d`, `30d`, `all`.
    public var window: String
    /// One sentence.
    public var text: String
}

extension TriggerConfiguration.Condition {
    /// What of the facts meets the condition most; nil: nothing does.
    public func finding(_ facts: TriggerFacts, _ thresholds: DriftThresholds) -> TriggerFinding? {
        switch self {
        case .drift(let level, let variables, let window):
            return Self.drift(facts, level, variables, window, thresholds)
        case .metric(let metric, let below, let above, let window, let samplesMin):
            let figures = facts.labels[window]?.figures ?? []
            guard let figure = figures.first(where: { $0.name == metric.rawValue }) else { return nil }
            return Self.metric(facts, figure, below: below, above: above, window, samplesMin)
        case .labelDelay(let delay, let share, let window, let samplesMin):
            guard let labels = facts.labels[window], labels.labels >= max(samplesMin, 1) else { return nil }
            let late = Double(labels.late[delay] ?? 0) / Double(labels.labels)
            guard late > share else { return nil }
            return TriggerFinding(
                kind: .labelDelay, version: facts.version, figure: delay.rawValue, value: late, limit: share,
                samples: labels.labels, window: window.rawValue,
                text: "\(Self.digits(late * 100))% of labels come later than \(delay.rawValue), "
                    + "\(Self.digits(share * 100))% are allowed")
        case .violations(let share, let window, let samplesMin):
            return Self.violations(facts, share, window, samplesMin)
        }
    }

    private static func drift(
        _ facts: TriggerFacts, _ level: TriggerConfiguration.DriftLevel, _ variables: [String],
        _ window: TriggerConfiguration.Window, _ thresholds: DriftThresholds
    ) -> TriggerFinding? {
        guard let report = facts.report(window) else { return nil }
        let wanted: DriftLevel = level == .alert ? .alert : .warning
        let found = report.findings.filter { finding in
            !finding.isSilent && finding.level >= wanted && (variables.isEmpty || variables.contains(finding.name))
        }
        guard let worst = found.max(by: { $0.psi < $1.psi }) else { return nil }
        let others = found.count > 1 ? ", \(found.count - 1) more at \(wanted.rawValue) or above" : ""
        return TriggerFinding(
            kind: .drift, version: facts.version, figure: worst.name, value: worst.psi,
            limit: wanted == .alert ? thresholds.alert : thresholds.warning, samples: report.rows,
            window: window.rawValue,
            text: "\(worst.name) over \(window.rawValue) has drifted: PSI \(digits(worst.psi))\(others)")
    }

    private static func metric(
        _ facts: TriggerFacts, _ figure: NamedFigure, below: Double?, above: Double?,
        _ window: TriggerConfiguration.LabelWindow, _ samplesMin: UInt64
    ) -> TriggerFinding? {
        guard figure.samples >= samplesMin, figure.value.isFinite else { return nil }
        var limit: Double?
        if let below, figure.value < below { limit = below }
        if let above, figure.value > above { limit = above }
        guard let limit else { return nil }
        let side = figure.value < limit ? "below" : "above"
        return TriggerFinding(
            kind: .accuracy, version: facts.version, figure: figure.name, value: figure.value, limit: limit,
            samples: figure.samples, window: window.rawValue,
            text: "\(figure.name) over \(window.rawValue) is \(digits(figure.value)), \(side) \(digits(limit)), "
                + "on \(figure.samples) labels")
    }

    /// The largest share: of requests that were refused, or of rows whose value breaks a feature's contract.
    private static func violations(
        _ facts: TriggerFacts, _ limit: Double, _ window: TriggerConfiguration.Window, _ samplesMin: UInt64
    ) -> TriggerFinding? {
        var shares: [(figure: String, what: String, value: Double, samples: UInt64)] = []
        let refusals = facts.refusals(window)
        if refusals.all >= max(samplesMin, 1) {
            shares.append(
                ("requests", "of requests are refused", Double(refusals.refused) / Double(refusals.all), refusals.all))
        }
        if let report = facts.report(window), report.rows >= samplesMin {
            for finding in report.findings where !finding.isScore {
                shares.append((finding.name, "of rows are out of its range", finding.outOfRange, report.rows))
                shares.append((finding.name, "of rows have a category that is not listed", finding.unseen, report.rows))
            }
        }
        guard let worst = shares.max(by: { $0.value < $1.value }), worst.value > limit else { return nil }
        return TriggerFinding(
            kind: .violations, version: facts.version, figure: worst.figure, value: worst.value, limit: limit,
            samples: worst.samples, window: window.rawValue,
            text: "\(worst.figure) over \(window.rawValue): \(digits(worst.value * 100))% \(worst.what), "
                + "\(digits(limit * 100))% are allowed")
    }

    static func digits(_ value: Double) -> String {
        let rounded = (value * 10_000).rounded() / 10_000
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? String(Int64(rounded)) : String(rounded)
    }
}
