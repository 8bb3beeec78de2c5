// Reference == compiled on random pipelines: to the bit where the arithmetic has one order, within the
// stated tolerance where it has none; and every row the same, alone or in company.

import Execution
import Inference
import ModelFormat
import Testing

@Suite struct PipelineParityTests {
    /// Gives the rows compared.
    private func compare(
        _ pipeline: Pipeline, _ rows: [[Double]], _ place: String, scratchRows: Int = 64,
        agrees: (_ got: Double, _ wanted: Double) -> Bool
    ) throws -> Int {
        let model = try CompiledModel.compile(.pipeline(pipeline))
        for type in [NumberWidth.float32, .float64] {
            let alone = score(model, rows, type, rowsPerJob: 1, scratchRows: scratchRows)
            let single = rows.map { score(model, [$0], type) }
            let together = score(model, rows, type, scratchRows: scratchRows)
            for (index, row) in rows.enumerated() {
                let wanted = ReferenceScorer.score(.pipeline(pipeline), row: row, rowType: type)
                let got = (alone.margins[index], alone.scores[index])
                let pairs = zip(got.0 + got.1, wanted.margins + wanted.scores)
                let finite = (got.0 + got.1).allSatisfy { $0.isFinite }
                if !pairs.allSatisfy(agrees) || alone.status[index] != (finite ? .ok : .nonFinite) {
                    Issue.record(
                        "\(place), row \(index) \(row): \(got), \(alone.status[index]); reference \(wanted)")
                    return rows.count
                }
            }
            let isSame =
                bits(together.scores) == bits(alone.scores) && bits(together.margins) == bits(alone.margins)
                && bits(single.map { $0.scores[0] }) == bits(alone.scores)
            #expect(isSame, "\(place): a row's answer depends on the rows beside it")
        }
        return rows.count * 2
    }

    private func isSame(_ got: Double, _ wanted: Double) -> Bool {
        got.isNaN ? wanted.isNaN : got.bitPattern == wanted.bitPattern
    }

    @Test func exactPipelinesAgreeToTheBit() throws {
        var compared = 0
        for seed in 1...SeedCount.of(3_000) {
            var random = RandomPipelines(seed: seed)
            let pipeline = random.pipeline(.exact)
            let model = try CompiledModel.compile(.pipeline(pipeline))
            #expect(model.isExact)
            compared += try compare(pipeline, random.rows(pipeline, .exact, count: 8), "seed \(seed)", agrees: isSame)
        }
        print("reference == compiled: \(SeedCount.of(3_000)) exact pipelines, \(compared) rows")
    }

    /// Numbers stay near 1 and stages at most double a difference, so a fixed tolerance will do.
    @Test func smoothPipelinesAgree() throws {
        var compared = 0
        for seed in 1...SeedCount.of(600) {
            var random = RandomPipelines(seed: seed)
            let pipeline = random.pipeline(.smooth)
            let rows = random.rows(pipeline, .smooth, count: 7)
            compared += try compare(pipeline, rows, "seed \(seed)") { abs($0 - $1) <= 1e-5 * max(1, abs($1)) }
        }
        print("reference ≈ compiled: \(SeedCount.of(600)) smooth pipelines, \(compared) rows")
    }

    /// Single rows of these go a way of their own: one layer, at most one stage behind it.
    @Test func linearModelsAgreeAloneAndTogether() throws {
        let lasts: [Operation?] =
            [nil] + Operation.Activation.allCases.map { .activation($0) }
            + [
                .transform(.sigmoid(scale: 1)), .transform(.softplus), .transform(.step), .transform(.exponential),
                .transform(.softmax), .transform(.signedSquare), .calibrate(.platt(slope: -2, intercept: 0.5)),
            ]
        // The last bits of a sum can make a jump of these; alone and together must still be the same.
        let jumping: [Operation?] =
            [.transform(.step)]
            + [.truncate, .floor, .reciprocal, .logarithm, .squareRoot].map { .activation($0) }
        var random = RandomPipelines(seed: 5)
        for inputs in [1, 7, 16, 31, 32, 33, 70] {
            for width in [NumberWidth.float32, .float64] {
                for last in lasts {
                    let layer = DenseLayer(
                        inputs: inputs, outputs: 1, weights: (0..<inputs).map { _ in random.number(width) },
                        bias: [random.number(width)])
                    let output = Pipeline.Value(columns: 1, width: width)
                    var pipeline = Pipeline(
                        input: Pipeline.Value(columns: inputs, width: width),
                        stages: [Pipeline.Stage(inputs: [0], operation: .dense(layer), output: output, name: "layer")],
                        margins: 1, scores: 1)
                    if let last {
                        pipeline.stages.append(
                            Pipeline.Stage(inputs: [1], operation: last, output: output, name: "last"))
                        pipeline.scores = 2
                    }
                    var rows = (0..<20).map { _ in (0..<inputs).map { _ in random.number(width) / Double(inputs) } }
                    rows.append([.infinity] + [Double](repeating: 0, count: inputs - 1))
                    rows.append([.nan] + [Double](repeating: 0, count: inputs - 1))
                    let place = "\(inputs) inputs, \(width), \(String(describing: last))"
                    _ = try compare(pipeline, rows, place) { got, wanted in
                        if got.isNaN || got.isInfinite { return isSame(got, wanted) || jumping.contains(last) }
                        return abs(got - wanted) <= 1e-4 * max(1, abs(wanted)) || jumping.contains(last)
                    }
                }
            }
        }
    }

    @Test func aSmallScratchCutsTheRowsIntoChunks() throws {
        var random = RandomPipelines(seed: 21)
        for scratchRows in [1, 16, 17, 40, 1_000] {
            let pipeline = random.pipeline(.exact, stages: 5...5)
            let rows = random.rows(pipeline, .exact, count: 150)
            _ = try compare(
                pipeline, rows, "scratch of \(scratchRows)", scratchRows: scratchRows, agrees: isSame)
        }
    }

    /// What the compiler joins and drops must not be seen from outside.
    @Test func joinedAndDroppedStagesChangeNothing() throws {
        let wide = Pipeline.Value(columns: 3, width: .float64)
        let identity = DenseLayer(
            inputs: 3, outputs: 3, weights: [1, 0, 0, 0, 1, 0, 0, 0, 1], bias: [0, 0, 0])
        func stage(_ input: Int, _ operation: Operation) -> Pipeline.Stage {
            Pipeline.Stage(inputs: [input], operation: operation, output: wide, name: "stage")
        }
        let stages = [
            stage(0, .dense(identity)), stage(1, .arithmetic(.add, operands: [1, 2, 3])), stage(2, .copy),
            stage(3, .activation(.relu)), stage(0, .activation(.negate)),
        ]
        for margins in 0...4 {
            let pipeline = Pipeline(input: wide, stages: stages, margins: margins, scores: 4)
            _ = try compare(pipeline, [[-1, -5, 7], [0.5, 0.25, -3.5]], "margins \(margins)", agrees: ==)
        }
    }
}
