// The stages around a forest that is not alone.
//
//     value 0: row ──┬──► counters ──┐
//                    └───────────────┴──► forest ──► transform                          margins: the forest's
//                                                └─► mean, exp(2 × second): variance

enum CatBoostPipeline {
    /// `counters`: the stage before the forest; nil: the forest takes the row.  `columns`: of a row.
    static func pipeline(
        _ forest: Forest, _ counters: CatBoostCounters?, _ objective: CatBoostObjective, columns: Int
    ) -> Pipeline {
        // Codes above 2^24 need the double; the forest rounds its numbers by itself.
        let input = Pipeline.Value(columns: columns, width: .float64)
        var stages: [Pipeline.Stage] = []
        if let counters {
            let output = Pipeline.Value(columns: counters.outputColumns, width: .float32)
            stages.append(
                Pipeline.Stage(inputs: [0], operation: .catboostCounters(counters), output: output, name: "counters"))
        }
        let output = Pipeline.Value(columns: forest.outputCount, width: .float64)
        stages.append(
            Pipeline.Stage(
                inputs: stages.isEmpty ? [0] : [0, 1], operation: .forest(forest), output: output, name: "forest"))
        let margins = stages.count
        if objective.hasUncertainty {
            stages += uncertainty(margins)
        } else if objective.transform != .identity {
            stages.append(
                Pipeline.Stage(
                    inputs: [margins], operation: .transform(objective.transform), output: output, name: "transform"))
        }
        return Pipeline(input: input, stages: stages, margins: margins, scores: stages.count)
    }

    /// From mean and logarithm of the deviation to mean and variance.
    private static func uncertainty(_ margins: Int) -> [Pipeline.Stage] {
        func stage(_ inputs: [Int], _ operation: Operation, _ columns: Int, _ name: String) -> Pipeline.Stage {
            Pipeline.Stage(
                inputs: inputs, operation: operation, output: Pipeline.Value(columns: columns, width: .float64),
                name: name)
        }
        return [
            stage([margins], .select(columns: [0]), 1, "mean"),
            stage([margins], .select(columns: [1]), 1, "deviation"),
            stage([margins + 2], .arithmetic(.multiply, operands: [2]), 1, "doubled"),
            stage([margins + 3], .transform(.fastExponential), 1, "variance"),
            stage([margins + 1, margins + 4], .copy, 2, "mean and variance"),
        ]
    }
}
