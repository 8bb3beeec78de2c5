// Each operation against numbers worked out by hand: the oracle of pipelines has no oracle itself.

import ModelFormat
import Testing

@Suite struct PipelineReferenceTests {
    private func run(
        _ operation: Operation, _ row: [Double], columns: Int? = nil, width: NumberWidth = .float64
    ) throws -> [Double] {
        let output = Pipeline.Value(columns: columns ?? row.count, width: width)
        let stage = Pipeline.Stage(inputs: [0], operation: operation, output: output, name: "stage")
        let pipeline = Pipeline(
            input: Pipeline.Value(columns: row.count, width: .float64), stages: [stage], margins: 1, scores: 1)
        try pipeline.check()
        return ReferenceScorer.score(.pipeline(pipeline), row: row, rowType: .float64).scores
    }

    private func expectSame(_ got: [Double], _ wanted: [Double], _ place: SourceLocation = #_sourceLocation) {
        let isSame = got.count == wanted.count && zip(got, wanted).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
        #expect(isSame, "\(got) instead of \(wanted)", sourceLocation: place)
    }

    @Test func columnsAreCopiedPickedAndFilled() throws {
        expectSame(try run(.copy, [0.1, .nan], width: .float32), [Double(Float(0.1)), .nan])
        expectSame(try run(.select(columns: [2, 0, 2, 1]), [5, 6, 7], columns: 4), [7, 5, 7, 6])
        expectSame(try run(.impute(values: [8, 9], marker: .nan), [.nan, -1]), [8, -1])
        expectSame(try run(.impute(values: [8, 9, 10], marker: -1), [.nan, -1, 2]), [8, 9, 2])
    }

    @Test func arithmeticIsRoundedOperationByOperation() throws {
        expectSame(try run(.scale(offsets: [1, 2], scales: [0.5, 3]), [4, .nan]), [1.5, .nan])
        let tenth = Double(Float(0.1))
        let scaled = try run(.scale(offsets: [tenth], scales: [3]), [0.7], width: .float32)
        #expect(scaled == [Double((Float(0.7) - Float(0.1)) * 3)])
        let operations: [(Operation.Arithmetic, [Double])] = [
            (.add, [5, .nan]), (.subtract, [3, .nan]), (.multiply, [4, .nan]), (.divide, [4, .nan]),
            (.maximum, [4, .nan]), (.minimum, [1, .nan]),
        ]
        for (kind, wanted) in operations {
            expectSame(try run(.arithmetic(kind, operands: [1, 1]), [4, .nan]).suffix(1), [.nan])
            let got = try run(.combine(kind), [4, 1, 1, .nan], columns: 2)
            expectSame([got[1]], [wanted[1]])
        }
        expectSame(try run(.combine(.subtract), [4, 9, 1, 2], columns: 2), [3, 7])
        expectSame(try run(.combine(.maximum), [4, .nan, 7, 2], columns: 2), [7, .nan])
    }

    @Test func categoriesAreMatchedByEquality() throws {
        expectSame(
            try run(.oneHot(categories: [[1, 2, 3], [5, 4]]), [2, 9], columns: 5), [0, 1, 0, 0, 0])
        expectSame(try run(.oneHot(categories: [[1, 2], []]), [.nan, 1], columns: 2), [0, 0])
        let table = LookupTable(keys: [-1, 4], values: [0.25, .nan], otherwise: 7, missing: 8)
        expectSame(
            try run(.lookup(tables: [table, table, table, table]), [-1, 4, 3, .nan]), [0.25, .nan, 7, 8])
    }

    @Test func limitsEdgesAndThresholds() throws {
        expectSame(
            try run(.clip(low: [0, 0, 0, -.infinity], high: [1, 1, 1, 1]), [-3, 0.5, 3, .nan]), [0, 0.5, 1, .nan])
        expectSame(try run(.bucket(edges: [[1, 2], [1, 2], [1, 2], []]), [1, 0.9, .nan, 5]), [1, 0, .nan, 0])
        expectSame(try run(.binarize(thresholds: [1, 1, 1]), [1, 1.5, .nan]), [0, 1, 0])
        expectSame(try run(.log(offset: 1), [0, 1e-20, -1, -2]), [0, 1e-20, -.infinity, .nan])
        expectSame(try run(.log(offset: 0.5), [0.5]), [0])
    }

    @Test func rowsAreNormalized() throws {
        expectSame(try run(.normalize(.l1), [3, -1]), [0.75, -0.25])
        expectSame(try run(.normalize(.l2), [3, -4]), [0.6, -0.8])
        expectSame(try run(.normalize(.maximum), [2, -4]), [0.5, -1])
        expectSame(try run(.normalize(.largest), [-2, -4]), [1, 2])
        expectSame(try run(.normalize(.l2), [0, 0]), [0, 0])
        expectSame(try run(.normalize(.maximum), [1, .nan]), [.nan, .nan])
    }

    @Test func layersAndActivations() throws {
        let layer = DenseLayer(
            inputs: 3, outputs: 2, weights: [1, 2, 3, -1, 0, 1], bias: [0.5, -4], activation: .relu)
        expectSame(try run(.dense(layer), [1, 1, 2], columns: 2), [9.5, 0])
        expectSame(try run(.activation(.sigmoid), [0, .infinity, -.infinity]), [0.5, 1, 0])
        expectSame(try run(.activation(.softmax), [3, 3]), [0.5, 0.5])
        expectSame(try run(.activation(.tanh), [0, 40]), [0, 1])
        expectSame(try run(.activation(.reciprocal), [4, 0]), [0.25, .infinity])
        expectSame(try run(.activation(.squareRoot), [9, -1]), [3, .nan])
        expectSame(try run(.activation(.absolute), [-2, 3]), [2, 3])
        expectSame(try run(.activation(.negate), [-2, 3]), [2, -3])
        expectSame(try run(.activation(.exponential), [0]), [1])
        expectSame(try run(.activation(.logarithm), [1]), [0])
        expectSame(try run(.activation(.relu), [-1, 2, .nan]), [0, 2, .nan])
        expectSame(try run(.complement, [0.25], columns: 2), [0.75, 0.25])
    }

    @Test func scoresAreCalibrated() throws {
        expectSame(try run(.calibrate(.platt(slope: -1, intercept: 0)), [0]), [0.5])
        let isotonic = Operation.calibrate(.isotonic(x: [1, 2, 4], y: [0.1, 0.2, 0.8]))
        expectSame(try run(isotonic, [0, 1, 2, 5, .nan]), [0.1, 0.1, 0.2, 0.8, .nan])
        #expect(abs(try run(isotonic, [3])[0] - 0.5) < 1e-15)
    }

    @Test func stagesTakeAnyEarlierValues() throws {
        let one = Pipeline.Value(columns: 1, width: .float64)
        let forest = Forest(
            featureCount: 2, valueWidth: .float32, comparison: .less,
            trees: [
                Forest.Tree(
                    output: 0,
                    nodes: [
                        .split(feature: 1, threshold: 0.5, left: 1, right: 2, missing: .right), .leaf(-1), .leaf(2),
                    ])
            ], accumulation: .float64, baseMargins: [0.25])
        let pipeline = Pipeline(
            input: Pipeline.Value(columns: 2, width: .float64),
            stages: [
                Pipeline.Stage(inputs: [0], operation: .select(columns: [0]), output: one, name: "first"),
                Pipeline.Stage(inputs: [1, 1], operation: .forest(forest), output: one, name: "forest"),
                Pipeline.Stage(
                    inputs: [2], operation: .transform(.sigmoid(scale: 1)), output: one, name: "sigmoid"),
            ], margins: 2, scores: 3)
        try pipeline.check()
        let low = ReferenceScorer.score(.pipeline(pipeline), row: [0.4, 9], rowType: .float64)
        #expect(low.margins == [-0.75] && abs(low.scores[0] - 0.320821300824607) < 1e-15)
        // 0.5 as a float32, so not below the threshold.
        let high = ReferenceScorer.score(.pipeline(pipeline), row: [0.499999999999, 9], rowType: .float64)
        #expect(high.margins == [2.25])
    }
}
