// What a run finds, and what of it misses a goal.

/// Serin and the peers on one model at one batch size.
struct Figure {
    var rows: Int
    /// Nanoseconds a row, the median of the pairs.
    var serin: Double
    /// Peers by name: nanoseconds a row; from the pairs where it was among the fastest, else from one sample.
    var peers: [(name: String, nanos: Double)]
    /// The peer that the ratio is to.
    var best: String
    /// With its 95% interval: a goal is met when that reaches it.
    var ratio: (median: Double, low: Double, high: Double)
    var goal: Double?
}

/// Everything about one model under one choice of kernels.
struct ModelReport {
    var model: MeasuredModel
    var kernels: String
    var figures: [Figure] = []
    /// Peers that answer wrongly, with what is wrong.
    var wrong: [(name: String, what: String)] = []
    /// Single figures: title, value, unit, goal and whether it is the least or the most.
    var extras: [Extra] = []

    struct Extra {
        var title: String
        var value: Double
        var unit: String
        /// 95%, of a median; a limit is met when it reaches it.
        var interval: ClosedRange<Double>?
        var limit: Limit?
    }

    enum Limit {
        case atLeast(Double)
        case atMost(Double)
    }

    /// What misses its goal, one phrase each.
    var missed: [String] {
        let ratios = figures.compactMap { figure -> String? in
            guard let goal = figure.goal, figure.ratio.high < goal else { return nil }
            let ratio = Text.number(figure.ratio.median, decimals: 2)
            return "\(model.name) (\(kernels)) at \(figure.rows) rows is \(ratio) × \(figure.best), goal \(goal) ×"
        }
        let singles = extras.compactMap { extra -> String? in
            let number = Text.number(extra.value, decimals: 2)
            let value = "\(model.name) (\(kernels)) \(extra.title) \(number) \(extra.unit)"
            let high = extra.interval?.upperBound ?? extra.value
            let low = extra.interval?.lowerBound ?? extra.value
            switch extra.limit {
            case .atLeast(let goal) where high < goal: return "\(value), goal at least \(goal)"
            case .atMost(let goal) where low > goal: return "\(value), goal at most \(goal)"
            default: return nil
            }
        }
        return ratios + singles
    }
}
