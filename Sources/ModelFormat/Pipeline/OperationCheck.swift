// One stage's operation against its shape: as many parameters as columns, all of them in range.

struct OperationCheck {
    let place: String
    /// Of all inputs together.
    let columns: Int
    let output: Pipeline.Value

    func check(_ operation: Operation) throws(ModelFormatError) {
        switch operation {
        case .copy, .activation, .normalize: try requireOutput(columns)
        case .select(let selected): try checkSelection(selected)
        case .impute(let values, let marker):
            try requireOutput(columns)
            try requireNumbers(values, "values", count: columns)
            guard marker.isNaN || fits(marker) else { throw error("the marker must be NaN or \(expected)") }
        case .scale(let offsets, let scales):
            try requireOutput(columns)
            try requireNumbers(offsets, "offsets", count: columns)
            try requireNumbers(scales, "scales", count: columns)
        case .arithmetic(_, let operands):
            try requireOutput(columns)
            try requireNumbers(operands, "operands", count: columns)
        case .combine:
            guard columns == 2 * output.columns else {
                throw error("needs \(2 * output.columns) input columns for \(output.columns), but has \(columns)")
            }
        case .compare:
            guard columns == 2 * output.columns else {
                throw error("needs \(2 * output.columns) input columns for \(output.columns), but has \(columns)")
            }
        case .choose:
            guard columns == 3 * output.columns else {
                throw error("needs \(3 * output.columns) input columns for \(output.columns), but has \(columns)")
            }
        case .reduce(_, let size):
            guard size > 0, columns % size == 0, output.columns == columns / size else {
                throw error("cannot make \(shape) columns in groups of \(size)")
            }
        case .oneHot(let categories): try check(categories)
        case .lookup(let tables): try check(tables)
        case .clip(let low, let high): try checkClip(low, high)
        case .log(let offset):
            try requireOutput(columns)
            guard fits(offset) else { throw error("the offset must be \(expected)") }
        case .bucket(let edges): try checkBuckets(edges)
        case .binarize(let thresholds):
            try requireOutput(columns)
            try requireNumbers(thresholds, "thresholds", count: columns)
        case .dense(let layer): try check(layer)
        case .transform(let transform):
            try requireOutput(columns)
            if case .sigmoid(let scale) = transform, !(scale.isFinite && scale > 0) {
                throw error("the sigmoid's scale must be a finite number above 0")
            }
        case .calibrate(let calibration): try check(calibration)
        case .complement:
            guard columns == 1, output.columns == 2 else { throw error("makes 2 columns from 1, not \(shape)") }
        case .forest(let forest): try check(forest)
        case .catboostCounters(let counters): try counters.check(columns: columns, output: output, place: place)
        }
    }

    private var shape: String { "\(output.columns) from \(columns)" }
    private var expected: String { "a finite \(output.width == .float32 ? "float32" : "number")" }

    private func error(_ message: String) -> ModelFormatError { ModelFormatError(place, message) }

    private func requireOutput(_ count: Int) throws(ModelFormatError) {
        guard output.columns == count else {
            throw error("must have \(count) output columns, but has \(output.columns)")
        }
    }

    private func requireCount(_ count: Int, _ name: String, _ expected: Int) throws(ModelFormatError) {
        guard count == expected else { throw error("must have \(expected) \(name), but has \(count)") }
    }

    private func requireNumbers(
        _ numbers: [Double], _ name: String, count: Int
    ) throws(ModelFormatError) {
        try requireCount(numbers.count, name, count)
        if let bad = numbers.firstIndex(where: { !fits($0) }) { throw error("\(name)[\(bad)] must be \(expected)") }
    }

    private func fits(_ value: Double) -> Bool { value.isFinite && isOfWidth(value) }

    /// Whether a number or an infinity stands in the output's width as it is.
    private func isOfWidth(_ value: Double) -> Bool {
        output.width == .float64 || Double(Float(value)) == value
    }

    private func requireAscending(_ numbers: [Double], _ name: String) throws(ModelFormatError) {
        for place in numbers.indices.dropFirst() where numbers[place - 1] >= numbers[place] {
            throw error("\(name)[\(place)] must be above the one before it")
        }
    }
}

extension OperationCheck {
    private func checkSelection(_ selected: [Int]) throws(ModelFormatError) {
        try requireOutput(selected.count)
        if let bad = selected.firstIndex(where: { !(0..<columns).contains($0) }) {
            throw error("columns[\(bad)] must be 0 to \(columns - 1)")
        }
    }

    private func check(_ categories: [[Double]]) throws(ModelFormatError) {
        try requireCount(categories.count, "lists of categories", columns)
        try requireOutput(categories.reduce(0) { $0 + $1.count })
        for (index, list) in categories.enumerated() {
            try requireNumbers(list, "categories[\(index)]", count: list.count)
            guard Set(list).count == list.count else { throw error("categories[\(index)] has one category twice") }
        }
    }

    private func check(_ tables: [LookupTable]) throws(ModelFormatError) {
        try requireOutput(columns)
        try requireCount(tables.count, "tables", columns)
        for (index, table) in tables.enumerated() {
            let name = "tables[\(index)]"
            try requireNumbers(table.keys, "\(name).keys", count: table.keys.count)
            try requireAscending(table.keys, "\(name).keys")
            try requireCount(table.values.count, "\(name).values", table.keys.count)
            guard (table.values + [table.otherwise, table.missing]).allSatisfy({ $0.isNaN || fits($0) }) else {
                throw error("\(name)'s values must each be NaN or \(expected)")
            }
        }
    }

    private func checkClip(_ low: [Double], _ high: [Double]) throws(ModelFormatError) {
        try requireOutput(columns)
        try requireCount(low.count, "lower limits", columns)
        try requireCount(high.count, "upper limits", columns)
        for index in low.indices {
            guard low[index] <= high[index], isOfWidth(low[index]), isOfWidth(high[index]) else {
                throw error("low[\(index)] must not be above high[\(index)], and both numbers of the stage's width")
            }
        }
    }

    private func checkBuckets(_ edges: [[Double]]) throws(ModelFormatError) {
        try requireOutput(columns)
        try requireCount(edges.count, "lists of edges", columns)
        for (index, list) in edges.enumerated() {
            guard list.count < ModelBounds.categories else {
                throw error("edges[\(index)] must have fewer than \(ModelBounds.categories) edges")
            }
            try requireNumbers(list, "edges[\(index)]", count: list.count)
            try requireAscending(list, "edges[\(index)]")
        }
    }

    private func check(_ layer: DenseLayer) throws(ModelFormatError) {
        guard layer.inputs == columns, layer.outputs == output.columns else {
            throw error("has \(layer.outputs) × \(layer.inputs) weights for \(shape) columns")
        }
        try requireNumbers(layer.weights, "weights", count: layer.inputs * layer.outputs)
        try requireNumbers(layer.bias, "bias", count: layer.outputs)
    }

    private func check(_ calibration: Calibration) throws(ModelFormatError) {
        try requireOutput(columns)
        switch calibration {
        case .platt(let slope, let intercept):
            guard fits(slope), fits(intercept) else { throw error("slope and intercept must each be \(expected)") }
        case .isotonic(let x, let y):
            guard !x.isEmpty else { throw error("needs at least one point") }
            try requireNumbers(x, "x", count: x.count)
            try requireNumbers(y, "y", count: x.count)
            try requireAscending(x, "x")
        }
    }

    private func check(_ forest: Forest) throws(ModelFormatError) {
        do { try forest.check() } catch {
            throw ModelFormatError("\(place).\(error.place)", error.message)
        }
        guard forest.featureCount == columns, forest.outputCount == output.columns else {
            throw error("the forest makes \(forest.outputCount) from \(forest.featureCount), not \(shape) columns")
        }
        guard forest.accumulation == output.width else { throw error("the output must have the forest's width") }
    }
}
