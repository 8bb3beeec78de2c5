// Tree ensembles: a forest over the columns, then base values, average and transform as ONNX Runtime
// does them: the trees are summed from 0 in the order of the file, in float (double for double
// inputs), and the base values are added last.

extension GraphLowering {
    /// What an ensemble says beside its trees.
    private struct Ensemble {
        var rows: RowTensor
        var targets: Int
        var aggregate: String
        var transform: String
        var base: [Double]
        /// The width of splits, leaves and sums.
        var width: NumberWidth
    }

    mutating func treeEnsembleClassifier(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        try noteClasses(&reader, strings: "classlabels_strings", integers: "classlabels_int64s")
        guard (1...ModelBounds.outputs).contains(classNames.count) else {
            throw reader.error("must have 1 to \(ModelBounds.outputs) classes")
        }
        var (ensemble, lists) = try ensemble(reader, targets: classNames.count)
        let table = try EnsembleTable(
            &lists, prefix: "class", element: ensemble.rows.element == .double ? .double : .float,
            columns: ensemble.rows.shape.columns, targets: ensemble.targets)
        reader = lists.reader
        objective = "TreeEnsembleClassifier \(ensemble.transform)"
        var second: SecondClass?
        let scored = Set(table.weights.map { $0.target })
        if ensemble.targets == 2, scored.isSubset(of: [0]) {
            // One score for two classes, which stands under the first one's number.
            ensemble.targets = 1
            guard ensemble.base.count <= 1 else {
                throw reader.error(attribute: "base_values", "must have 1 number for weights of one class")
            }
            let isPositive = table.weights.allSatisfy { $0.value >= 0 }
            second = ensemble.transform == "NONE" && isPositive ? .complement : .mirror
        }
        guard ensemble.base.isEmpty || ensemble.base.count == ensemble.targets else {
            throw reader.error(attribute: "base_values", "must have \(ensemble.targets) numbers")
        }
        let scores = try forest(ensemble, table, reader)
        return .rows(rounded(try finish(scores, ensemble.transform, second, reader)))
    }

    mutating func treeEnsembleRegressor(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let targets = try reader.integer("n_targets", default: 1)
        guard (1...ModelBounds.outputs).contains(targets) else {
            throw reader.error(attribute: "n_targets", "must be 1 to \(ModelBounds.outputs)")
        }
        var (ensemble, lists) = try ensemble(reader, targets: targets)
        ensemble.aggregate = try lists.reader.word(
            "aggregate_function", default: "SUM", of: ["SUM", "AVERAGE", "MIN", "MAX"])
        let table = try EnsembleTable(
            &lists, prefix: "target", element: ensemble.rows.element == .double ? .double : .float,
            columns: ensemble.rows.shape.columns, targets: targets)
        reader = lists.reader
        guard ensemble.base.isEmpty || ensemble.base.count == targets else {
            throw reader.error(attribute: "base_values", "must have \(targets) numbers")
        }
        objective = "TreeEnsembleRegressor \(ensemble.transform)"
        let scores = try forest(ensemble, table, reader)
        return .rows(rounded(try finish(scores, ensemble.transform, nil, reader)))
    }

    /// Both older operators answer in float, whatever they compute in.
    private mutating func rounded(_ scores: RowTensor) -> RowTensor {
        var scores = scores
        scores.value = builder.convert(scores.value, .float32)
        scores.element = .float
        return scores
    }

    private mutating func ensemble(
        _ reader: NodeReader, targets: Int
    ) throws(ModelFormatError) -> (Ensemble, EnsembleLists) {
        var rows = try numberMatrix(0, reader)
        // Whole numbers are compared as floats.
        if rows.element != .double {
            rows.value = builder.convert(rows.value, .float32)
            rows.element = .float
        }
        var lists = EnsembleLists(reader)
        let transform = try lists.reader.word("post_transform", default: "NONE", of: Self.transforms)
        let base = try lists.reals("base_values", rows.element)
        return (
            Ensemble(
                rows: rows, targets: targets, aggregate: "SUM", transform: transform, base: base,
                width: rows.element.width), lists
        )
    }

    mutating func treeEnsemble(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let rows = try numberMatrix(0, reader)
        guard rows.element.isReal else { throw reader.error("takes float or double, has \(rows.element)") }
        let targets = try reader.integer("n_targets", default: 1)
        let aggregate = try reader.integer("aggregate_function", default: 1)
        let transform = try reader.integer("post_transform", default: 0)
        let transforms = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]
        guard (1...ModelBounds.outputs).contains(targets), (0...3).contains(aggregate),
            transforms.indices.contains(transform)
        else { throw reader.error("has n_targets, aggregate_function or post_transform out of range") }
        var lists = EnsembleLists(reader)
        let table = try EnsembleTable(
            &lists, element: rows.element, columns: rows.shape.columns, targets: targets)
        reader = lists.reader
        objective = "TreeEnsemble \(transforms[transform])"
        let ensemble = Ensemble(
            rows: rows, targets: targets, aggregate: ["AVERAGE", "SUM", "MIN", "MAX"][aggregate],
            transform: transforms[transform], base: [], width: rows.element.width)
        let scores = try forest(ensemble, table, reader)
        return .rows(try finish(scores, ensemble.transform, nil, reader))
    }

    /// The aggregated scores before the transform.
    private mutating func forest(
        _ ensemble: Ensemble, _ table: EnsembleTable, _ reader: NodeReader
    ) throws(ModelFormatError) -> RowTensor {
        hasSplits = hasSplits || table.nodes.contains { $0.mode != .leaf }
        hasMissingDirections = hasMissingDirections || table.nodes.contains { $0.missingIsTrue }
        // Doubles that were floats a moment ago are compared as floats, with rounded thresholds.
        let source = narrowSource(ensemble.rows.value)
        var trees = try EnsembleForest(
            table: table, columns: ensemble.rows.shape.columns, targets: ensemble.targets,
            width: builder.value(source).width
        ) { node, message in
            reader.error("node \(node) of the table \(message)")
        }
        let isExtreme = ensemble.aggregate == "MIN" || ensemble.aggregate == "MAX"
        var list = try trees.trees(allTargets: isExtreme)
        let outputs = isExtreme ? try extremes(&list, table, ensemble.targets, reader) : ensemble.targets
        var forest = Forest(
            featureCount: ensemble.rows.shape.columns + trees.coded.count, valueWidth: builder.value(source).width,
            comparison: trees.comparison, membersGoLeft: true, categorySets: trees.categorySets, trees: list,
            accumulation: ensemble.width, baseMargins: [Double](repeating: 0, count: outputs))
        var inputs = [unrounded(source)]
        if !trees.coded.isEmpty {
            let columns = builder.select(trees.coded, of: source)
            inputs.append(builder.pointwise(.lookup(tables: trees.codeTables), columns))
        }
        if ensemble.aggregate == "AVERAGE" { forest.averageDivisor = max(1, table.roots.count) }
        var base = ensemble.base
        if base.contains(where: { $0 != 0 }), ensemble.aggregate == "SUM" {
            forest.marginBias = base
            base = []
        }
        var result = builder.append(.forest(forest), inputs, columns: outputs, width: ensemble.width)
        if isExtreme {
            let reduction: Operation.Reduction = ensemble.aggregate == "MIN" ? .minimum : .maximum
            result = builder.append(
                .reduce(reduction, size: table.roots.count), [result], columns: ensemble.targets,
                width: ensemble.width)
        }
        if base.contains(where: { $0 != 0 }) { result = builder.arithmetic(.add, result, base) }
        return RowTensor(
            value: result, shape: .matrix(ensemble.targets), element: ensemble.width == .float32 ? .float : .double)
    }

    /// The float32 value that a double is made from without arithmetic, or the value itself.
    private func narrowSource(_ value: Int) -> Int {
        guard let stage = builder.stage(value), stage.inputs.count == 1, case .copy = stage.operation,
            stage.output.width == .float64, builder.value(stage.inputs[0]).width == .float32
        else { return value }
        return stage.inputs[0]
    }

    /// What a copy to float32 rounds: a forest rounds its values itself.
    private func unrounded(_ value: Int) -> Int {
        guard let stage = builder.stage(value), stage.inputs.count == 1, case .copy = stage.operation,
            stage.output.width == .float32
        else { return value }
        return stage.inputs[0]
    }

    /// Gives every tree an output of its own, a target's trees one behind the other, for MIN and MAX.
    private func extremes(
        _ trees: inout [Forest.Tree], _ table: EnsembleTable, _ targets: Int, _ reader: NodeReader
    ) throws(ModelFormatError) -> Int {
        let outputs = table.roots.count * targets
        guard outputs <= ModelBounds.outputs else {
            throw reader.error("with MIN or MAX is supported for up to \(ModelBounds.outputs) trees and targets")
        }
        for (index, node) in table.nodes.enumerated() where node.mode == .leaf {
            guard table.weights(of: index).count == targets else {
                throw reader.error("with MIN or MAX must have a weight for every target in every leaf")
            }
        }
        for index in trees.indices {
            trees[index].output = trees[index].output * table.roots.count + index / targets
        }
        return outputs
    }
}
