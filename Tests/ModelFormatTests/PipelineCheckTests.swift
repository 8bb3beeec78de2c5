// Pipelines that must be refused, each with the place and the reason.

import ModelFormat
import Testing

@Suite struct PipelineCheckTests {
    private let wide = Pipeline.Value(columns: 3, width: .float32)

    private func refusal(of pipeline: Pipeline) -> String? {
        do throws(ModelFormatError) { try pipeline.check() } catch { return error.description }
        return nil
    }

    /// Of one stage on three float32 columns.
    private func refusal(_ operation: Operation, columns: Int = 3, width: NumberWidth = .float32) -> String? {
        let stage = Pipeline.Stage(
            inputs: [0], operation: operation, output: Pipeline.Value(columns: columns, width: width), name: "step")
        let refusal = refusal(of: Pipeline(input: wide, stages: [stage], margins: 1, scores: 1))
        return refusal.map { $0.hasPrefix("stages[0] (step): ") ? String($0.dropFirst(18)) : $0 }
    }

    @Test func shapesMustFit() {
        let three = [1.0, 2, 3]
        #expect(refusal(.copy) == nil)
        #expect(refusal(.copy, columns: 2) == "must have 3 output columns, but has 2")
        #expect(refusal(.copy, columns: 0) == "must have 1 to 65536 output columns")
        #expect(refusal(.select(columns: [0, 3]), columns: 2) == "columns[1] must be 0 to 2")
        #expect(refusal(.select(columns: [0]), columns: 2) == "must have 1 output columns, but has 2")
        #expect(refusal(.impute(values: [1], marker: .nan)) == "must have 3 values, but has 1")
        #expect(refusal(.scale(offsets: three, scales: [1])) == "must have 3 scales, but has 1")
        #expect(refusal(.arithmetic(.add, operands: [])) == "must have 3 operands, but has 0")
        #expect(refusal(.combine(.add), columns: 2) == "needs 4 input columns for 2, but has 3")
        #expect(
            refusal(.oneHot(categories: [[1], [2], [3, 4]]), columns: 3) == "must have 4 output columns, but has 3")
        #expect(refusal(.lookup(tables: [])) == "must have 3 tables, but has 0")
        #expect(refusal(.bucket(edges: [[], []])) == "must have 3 lists of edges, but has 2")
        #expect(refusal(.complement, columns: 2) == "makes 2 columns from 1, not 2 from 3")
        let layer = DenseLayer(inputs: 2, outputs: 1, weights: [1, 2], bias: [0])
        #expect(refusal(.dense(layer), columns: 1) == "has 1 × 2 weights for 1 from 3 columns")
        let short = DenseLayer(inputs: 3, outputs: 1, weights: [1, 2], bias: [0])
        #expect(refusal(.dense(short), columns: 1) == "must have 3 weights, but has 2")
    }

    @Test func parametersMustBeNumbersOfTheWidth() {
        #expect(
            refusal(.impute(values: [0.1, 0, 0], marker: .nan)) == "values[0] must be a finite float32")
        #expect(refusal(.impute(values: [0.1, 0, 0], marker: .nan), width: .float64) == nil)
        #expect(
            refusal(.impute(values: [0, 0, 0], marker: .infinity))
                == "the marker must be NaN or a finite float32")
        #expect(refusal(.log(offset: .nan)) == "the offset must be a finite float32")
        #expect(
            refusal(.scale(offsets: [0, 0, .infinity], scales: [1, 1, 1]))
                == "offsets[2] must be a finite float32")
        #expect(
            refusal(.clip(low: [0, 0, 2], high: [1, .infinity, 1]))
                == "low[2] must not be above high[2], and both numbers of the stage's width")
        #expect(refusal(.bucket(edges: [[1, 1], [], []])) == "edges[0][1] must be above the one before it")
        let table = LookupTable(keys: [2, 1], values: [1, 1], otherwise: .nan, missing: .nan)
        #expect(refusal(.lookup(tables: [table, table, table])) == "tables[0].keys[1] must be above the one before it")
        #expect(refusal(.oneHot(categories: [[1, 1], [2], []])) == "categories[0] has one category twice")
        #expect(refusal(.calibrate(.isotonic(x: [], y: []))) == "needs at least one point")
        #expect(refusal(.calibrate(.isotonic(x: [1, 2], y: [1]))) == "must have 2 y, but has 1")
        #expect(
            refusal(.calibrate(.platt(slope: .nan, intercept: 0)))
                == "slope and intercept must each be a finite float32")
        #expect(
            refusal(.transform(.sigmoid(scale: 0))) == "the sigmoid's scale must be a finite number above 0")
    }

    @Test func aForestMustFitAndBeSound() {
        var forest = Forest(
            featureCount: 3, valueWidth: .float32, comparison: .less, trees: [], accumulation: .float32,
            baseMargins: [0])
        #expect(refusal(.forest(forest), columns: 1) == nil)
        #expect(refusal(.forest(forest), columns: 2) == "the forest makes 1 from 3, not 2 from 3 columns")
        #expect(refusal(.forest(forest), columns: 1, width: .float64) == "the output must have the forest's width")
        forest.trees = [Forest.Tree(output: 0, nodes: [])]
        #expect(
            refusal(.forest(forest), columns: 1) == "stages[0] (step).trees[0].nodes: must not be empty")
    }

    @Test func graphsMustOnlyLookBack() {
        var pipeline = Pipeline(
            input: wide, stages: [Pipeline.Stage(inputs: [1], operation: .copy, output: wide, name: "loop")],
            margins: 1, scores: 1)
        #expect(refusal(of: pipeline) == "stages[0] (loop): its inputs must be values from 0 to 0")
        pipeline.stages[0].inputs = []
        #expect(refusal(of: pipeline) == "stages[0] (loop): its inputs must be values from 0 to 0")
        pipeline.stages[0].inputs = [0]
        pipeline.scores = 2
        #expect(refusal(of: pipeline) == "scores: must be a value from 0 to 1")
        pipeline.scores = 1
        pipeline.stages[0].output.width = .float64
        pipeline.margins = 0
        #expect(refusal(of: pipeline) == "scores: must have the margins' columns and width")
        #expect(
            refusal(of: Pipeline(input: .init(columns: 0, width: .float32), stages: [], margins: 0, scores: 0))
                == "input: must have 1 to 65536 columns")
    }

    @Test func costAndMemoryAreBounded() {
        let large = Pipeline.Value(columns: 65_536, width: .float64)
        func chain(_ count: Int) -> Pipeline {
            let stages = (0..<count).map {
                Pipeline.Stage(inputs: [$0], operation: .copy, output: large, name: "copy")
            }
            return Pipeline(input: large, stages: stages, margins: 0, scores: 0)
        }
        #expect(refusal(of: chain(40)) == "stages[31] (copy): more than 2097152 columns in all")
        #expect(refusal(of: chain(5000)) == "stages: more than 4096 stages")
        #expect(refusal(of: chain(2)) == "scores: must have 1 to 4096 columns")
        var many = chain(2)
        many.stages[0].inputs = [0, 0]
        #expect(refusal(of: many) == "stages[0] (copy): must have at most 65536 input columns")
    }
}
