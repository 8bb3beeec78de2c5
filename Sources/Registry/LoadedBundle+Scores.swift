// What a bundle's model says of one row, as a request with that row is answered: the oracle of load tests, which send a
// row of one version's golden file to whichever version the route chooses.

internal import Execution
public import Inference

extension LoadedBundle {
    /// The scores of one row whose numbers have the width `type`; nil: the manifest refuses the row, or it has not the
    /// model's shape.
    public func scores(of row: GoldenRow, as type: ValueType) -> [Double]? {
        let features = manifest.features
        guard row.cells.count == features.count else { return nil }
        let check = GoldenCheck(rows: [row], features: features, model: model, source: name)
        let values = AlignedBytes(count: features.count * type.byteCount)
        for (column, cell) in row.cells.enumerated() {
            guard let number = try? check.number(of: cell, line: 1, column: column) else { return nil }
            values.store(number, at: column, as: type)
        }
        guard (try? check.applyPolicies(to: values, of: [0], type)) != nil else { return nil }
        return check.score(values, type: type)
    }

    /// Whether two scores are the same answer: within one unit in the last place, or 1e-6 where the model has dense
    /// layers (`GoldenCheck`).
    public func agree(_ score: Double, _ wanted: Double) -> Bool {
        GoldenCheck.agree(score, wanted, as: model.scoreType, isExact: model.isExact)
    }
}
