// A pipeline's size, for bounds, for people and for the cost model.

extension Pipeline {
    /// What a row can take at most: a multiplication of a dense layer, a split of a forest, a step of a
    /// search, or a column that is copied or computed counts as one.
    public var worstCaseOperationsPerRow: Int {
        stages.reduce(0) { $0 + $1.operation.worstCaseOperations(columns: $1.output.columns) }
    }
}

extension Operation {
    /// Numbers the operation brings along; a forest has bounds of its own.
    public var parameterCount: Int {
        switch self {
        case .copy, .combine, .log, .normalize, .transform, .activation, .complement, .forest, .compare, .choose,
            .reduce:
            0
        case .catboostCounters(let counters): counters.parameterCount
        case .select(let columns): columns.count
        case .impute(let values, _): values.count
        case .scale(let offsets, let scales): offsets.count + scales.count
        case .arithmetic(_, let operands): operands.count
        case .oneHot(let categories): categories.reduce(0) { $0 + $1.count }
        case .lookup(let tables): tables.reduce(0) { $0 + $1.keys.count + $1.values.count + 2 }
        case .clip(let low, let high): low.count + high.count
        case .bucket(let edges): edges.reduce(0) { $0 + $1.count }
        case .binarize(let thresholds): thresholds.count
        case .dense(let layer): layer.weights.count + layer.bias.count
        case .calibrate(.platt): 2
        case .calibrate(.isotonic(let x, let y)): x.count + y.count
        }
    }

    func worstCaseOperations(columns: Int) -> Int {
        switch self {
        case .dense(let layer): layer.weights.count + layer.outputs
        case .forest(let forest): forest.worstCaseNodesPerRow + columns
        case .lookup(let tables): tables.reduce(0) { $0 + Self.searchSteps($1.keys.count) }
        case .bucket(let edges): edges.reduce(0) { $0 + Self.searchSteps($1.count) }
        case .reduce(_, let size): columns * size
        case .calibrate(.isotonic(let x, _)): columns * Self.searchSteps(x.count)
        case .catboostCounters(let counters): counters.worstCaseOperations
        default: columns
        }
    }

    /// Steps of a binary search, and one for its result.
    private static func searchSteps(_ count: Int) -> Int { Int.bitWidth - count.leadingZeroBitCount + 1 }
}
