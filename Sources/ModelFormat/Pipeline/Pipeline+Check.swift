// The last gate before a pipeline is compiled: every input is an earlier value, every shape fits.

extension Pipeline {
    /// Throws at the first thing that is out of range; the place is `stages[3]` and its name.
    public func check() throws(ModelFormatError) {
        guard (1...ModelBounds.features).contains(input.columns) else {
            throw ModelFormatError("input", "must have 1 to \(ModelBounds.features) columns")
        }
        for (index, stage) in stages.enumerated() { try check(stage, index) }
        for (name, value) in [("margins", margins), ("scores", scores)] {
            guard (0...stages.count).contains(value) else {
                throw ModelFormatError(name, "must be a value from 0 to \(stages.count)")
            }
        }
        guard value(margins) == value(scores) else {
            throw ModelFormatError("scores", "must have the margins' columns and width")
        }
    }

    private func check(_ stage: Stage, _ index: Int) throws(ModelFormatError) {
        let place = "stages[\(index)] (\(stage.name))"
        guard !stage.inputs.isEmpty, stage.inputs.allSatisfy({ (0...index).contains($0) }) else {
            throw ModelFormatError(place, "its inputs must be values from 0 to \(index)")
        }
        guard (1...ModelBounds.features).contains(stage.output.columns) else {
            throw ModelFormatError(place, "must have 1 to \(ModelBounds.features) output columns")
        }
        if case .forest(let forest) = stage.operation { try forest.check() }
    }
}
