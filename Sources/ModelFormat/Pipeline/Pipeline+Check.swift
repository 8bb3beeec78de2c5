// The last gate before a pipeline is compiled: every input is an earlier value, every shape fits,
// every parameter is a number in range, and a row's cost and memory stay within `ModelBounds`.
// The compiler, the executor and `ReferenceScorer` rely on it.

extension Pipeline {
    /// Throws at the first thing that is out of range; the place is `stages[3]` and its name.
    public func check() throws(ModelFormatError) {
        guard (1...ModelBounds.features).contains(input.columns) else {
            throw ModelFormatError("input", "must have 1 to \(ModelBounds.features) columns")
        }
        guard stages.count <= ModelBounds.stages else {
            throw ModelFormatError("stages", "more than \(ModelBounds.stages) stages")
        }
        try checkTotals()
        var operations = 0
        for (index, stage) in stages.enumerated() {
            try check(stage, index)
            operations += stage.operation.worstCaseOperations(columns: stage.output.columns)
            guard operations <= ModelBounds.rowOperations else {
                throw ModelFormatError(
                    place(index), "a row takes more than \(ModelBounds.rowOperations) operations up to here")
            }
        }
        for (name, value) in [("margins", margins), ("scores", scores)] {
            guard (0...stages.count).contains(value) else {
                throw ModelFormatError(name, "must be a value from 0 to \(stages.count)")
            }
        }
        guard value(margins) == value(scores) else {
            throw ModelFormatError("scores", "must have the margins' columns and width")
        }
        guard value(scores).columns <= ModelBounds.outputs else {
            throw ModelFormatError("scores", "must have 1 to \(ModelBounds.outputs) columns")
        }
    }

    /// Sums that every later computation with counts relies on.
    private func checkTotals() throws(ModelFormatError) {
        var columns = input.columns
        var parameters = 0
        for (index, stage) in stages.enumerated() {
            guard (1...ModelBounds.features).contains(stage.output.columns) else {
                throw ModelFormatError(place(index), "must have 1 to \(ModelBounds.features) output columns")
            }
            columns += stage.output.columns
            guard columns <= ModelBounds.rowColumns else {
                throw ModelFormatError(place(index), "more than \(ModelBounds.rowColumns) columns in all")
            }
            parameters += stage.operation.parameterCount
            guard parameters <= ModelBounds.parameters else {
                throw ModelFormatError(place(index), "more than \(ModelBounds.parameters) parameters in all")
            }
        }
    }

    private func check(_ stage: Stage, _ index: Int) throws(ModelFormatError) {
        guard !stage.inputs.isEmpty, stage.inputs.allSatisfy({ (0...index).contains($0) }) else {
            throw ModelFormatError(place(index), "its inputs must be values from 0 to \(index)")
        }
        guard stage.inputs.count <= ModelBounds.features else {
            throw ModelFormatError(place(index), "must have at most \(ModelBounds.features) inputs")
        }
        // At most 65,536 × 65,536: no overflow.
        let columns = stage.inputs.reduce(0) { $0 + value($1).columns }
        guard columns <= ModelBounds.features else {
            throw ModelFormatError(place(index), "must have at most \(ModelBounds.features) input columns")
        }
        try OperationCheck(place: place(index), columns: columns, output: stage.output).check(stage.operation)
    }

    private func place(_ index: Int) -> String { "stages[\(index)] (\(stages[index].name))" }
}
