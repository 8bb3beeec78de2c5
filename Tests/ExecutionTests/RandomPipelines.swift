// Seeded random pipelines: any operation, any shape, values read by several stages or by none.

import ModelFormat

struct RandomPipelines {
    var forests: RandomForests
    private var generator: SeededGenerator {
        get { forests.generator }
        set { forests.generator = newValue }
    }

    /// What may stand in a pipeline.
    enum Kind {
        /// Everything that gives the same bits everywhere, forests and steps among it.
        case exact
        /// Layers and activations, and what keeps a small difference small.
        case smooth
    }

    init(seed: UInt64) { forests = RandomForests(seed: seed) }

    mutating func integer(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &forests.generator) }

    mutating func number(_ width: NumberWidth, in range: ClosedRange<Double> = -3...3) -> Double {
        // Often a round one, so that keys, edges and thresholds are met exactly.
        let value =
            generator.chance(0.4)
            ? Double(Int.random(in: Int(range.lowerBound)...Int(range.upperBound), using: &forests.generator))
            : Double.random(in: range, using: &forests.generator)
        return width == .float32 ? Double(Float(value)) : value
    }

    private mutating func numbers(_ count: Int, _ width: NumberWidth) -> [Double] {
        (0..<count).map { _ in number(width) }
    }

    private mutating func ascending(_ limit: Int, _ width: NumberWidth) -> [Double] {
        Set(numbers(integer(0...limit), width).map { $0 == 0 ? 0 : $0 }).sorted()
    }

    private mutating func width() -> NumberWidth { forests.generator.chance(0.5) ? .float32 : .float64 }

    mutating func pipeline(_ kind: Kind, stages: ClosedRange<Int> = 1...9) -> Pipeline {
        let input = Pipeline.Value(columns: integer(1...20), width: width())
        var pipeline = Pipeline(input: input, stages: [], margins: 0, scores: 0)
        for index in 0..<integer(stages) {
            let isJoined = forests.generator.chance(0.25)
            let inputs = (0..<(isJoined ? integer(2...3) : 1)).map { _ in
                // Mostly the newest value, so that chains come about.
                forests.generator.chance(0.6) ? index : integer(0...index)
            }
            let columns = inputs.reduce(0) { $0 + pipeline.value($1).columns }
            let wide = forests.generator.chance(0.7) ? pipeline.value(inputs[0]).width : width()
            let (operation, output) = operation(kind, columns: columns, width: wide)
            pipeline.stages.append(
                Pipeline.Stage(inputs: inputs, operation: operation, output: output, name: "stage \(index)"))
        }
        pipeline.scores = pipeline.stages.count
        let shape = pipeline.value(pipeline.scores)
        let same = (0...pipeline.stages.count).filter { pipeline.value($0) == shape }
        pipeline.margins = same.randomElement(using: &forests.generator)!
        return pipeline
    }

    private mutating func operation(
        _ kind: Kind, columns: Int, width: NumberWidth
    ) -> (Operation, Pipeline.Value) {
        let same = Pipeline.Value(columns: columns, width: width)
        // Blocks of categories and joined values multiply columns.
        if columns > 200 { return select(columns, width) }
        return kind == .exact ? exact(columns, same) : smooth(columns, same)
    }

    private mutating func exact(_ columns: Int, _ same: Pipeline.Value) -> (Operation, Pipeline.Value) {
        let width = same.width
        switch integer(0...20) {
        case 0: return (.copy, same)
        case 1: return select(columns, width)
        case 2:
            let marker = forests.generator.chance(0.5) ? Double.nan : number(width)
            return (.impute(values: numbers(columns, width), marker: marker), same)
        case 3: return (.scale(offsets: numbers(columns, width), scales: numbers(columns, width)), same)
        case 4:
            let kind = Operation.Arithmetic.allCases.randomElement(using: &forests.generator)!
            return (.arithmetic(kind, operands: numbers(columns, width)), same)
        case 5 where columns % 2 == 0:
            let kind = Operation.Arithmetic.allCases.randomElement(using: &forests.generator)!
            return (.combine(kind), Pipeline.Value(columns: columns / 2, width: width))
        case 6: return oneHot(columns, same)
        case 7: return (.lookup(tables: (0..<columns).map { _ in table(width) }), same)
        case 8:
            let limits = (0..<columns).map { _ in [number(width), number(width)].sorted() }
            return (.clip(low: limits.map { $0[0] }, high: limits.map { $0[1] }), same)
        case 9: return (.log(offset: [1, 0.5, 4].randomElement(using: &forests.generator)!), same)
        case 10: return (.bucket(edges: (0..<columns).map { _ in ascending(9, width) }), same)
        case 11: return (.binarize(thresholds: numbers(columns, width)), same)
        case 12: return (.normalize(Operation.Norm.allCases.randomElement(using: &forests.generator)!), same)
        case 13: return (.transform(transform()), same)
        case 14:
            let exact: [Operation.Activation] = [
                .identity, .relu, .negate, .absolute, .reciprocal, .squareRoot, .truncate, .floor,
            ]
            return (.activation(exact.randomElement(using: &forests.generator)!), same)
        case 15: return (.calibrate(calibration(width)), same)
        case 17 where columns % 2 == 0:
            let relation = Operation.Relation.allCases.randomElement(using: &forests.generator)!
            return (.compare(relation), Pipeline.Value(columns: columns / 2, width: width))
        case 18 where columns % 3 == 0: return (.choose, Pipeline.Value(columns: columns / 3, width: width))
        case 19:
            let size = (1...columns).filter { columns % $0 == 0 }.randomElement(using: &forests.generator)!
            let reduction = Operation.Reduction.allCases.randomElement(using: &forests.generator)!
            return (.reduce(reduction, size: size), Pipeline.Value(columns: columns / size, width: width))
        case 16 where columns == 1: return (.complement, Pipeline.Value(columns: 2, width: width))
        default:
            let forest = forests.forest(features: columns, maxTrees: 6, maxSplits: 12)
            return (.forest(forest), Pipeline.Value(columns: forest.outputCount, width: forest.accumulation))
        }
    }

    private mutating func smooth(_ columns: Int, _ same: Pipeline.Value) -> (Operation, Pipeline.Value) {
        let width = same.width
        switch integer(0...9) {
        case 0: return select(columns, width)
        case 1: return (.arithmetic(.add, operands: numbers(columns, width)), same)
        case 2:
            let scales = (0..<columns).map { _ in number(width, in: -1...1) }
            return (.scale(offsets: numbers(columns, width), scales: scales), same)
        case 3, 4:
            let kinds: [Operation.Activation] = [.relu, .sigmoid, .tanh, .softmax, .identity, .negate]
            return (.activation(kinds.randomElement(using: &forests.generator)!), same)
        case 5: return (.calibrate(.platt(slope: -1, intercept: 0.5)), same)
        default: return dense(columns, width)
        }
    }

    mutating func dense(_ columns: Int, _ width: NumberWidth, outputs: Int? = nil) -> (Operation, Pipeline.Value) {
        let outputs = outputs ?? [1, 2, 7, 8, 16, 17, 33, 64, 80, 150].randomElement(using: &forests.generator)!
        let size = 1 / Double(columns).squareRoot()
        let layer = DenseLayer(
            inputs: columns, outputs: outputs,
            weights: (0..<columns * outputs).map { _ in
                Double(Float(Double.random(in: -size...size, using: &forests.generator)))
            },
            bias: forests.generator.chance(0.4) ? [Double](repeating: 0, count: outputs) : numbers(outputs, width),
            activation: [.identity, .relu, .sigmoid, .tanh, .softmax].randomElement(using: &forests.generator)!)
        return (.dense(layer), Pipeline.Value(columns: outputs, width: width))
    }

    private mutating func select(_ columns: Int, _ width: NumberWidth) -> (Operation, Pipeline.Value) {
        let selected = (0..<integer(1...24)).map { _ in integer(0...columns - 1) }
        return (.select(columns: selected), Pipeline.Value(columns: selected.count, width: width))
    }

    private mutating func oneHot(_ columns: Int, _ same: Pipeline.Value) -> (Operation, Pipeline.Value) {
        let categories = (0..<columns).map { _ in ascending(4, same.width).shuffled(using: &forests.generator) }
        let count = categories.reduce(0) { $0 + $1.count }
        if count == 0 { return (.copy, same) }
        return (.oneHot(categories: categories), Pipeline.Value(columns: count, width: same.width))
    }

    private mutating func table(_ width: NumberWidth) -> LookupTable {
        let keys = ascending(7, width)
        var values = numbers(keys.count + 2, width)
        if forests.generator.chance(0.2) { values[0] = .nan }
        return LookupTable(
            keys: keys, values: Array(values[2...]), otherwise: values[0], missing: values[1])
    }

    private mutating func transform() -> OutputTransform {
        [.identity, .sigmoid(scale: 1), .softmax, .exponential, .step, .signedSquare, .softplus]
            .randomElement(using: &forests.generator)!
    }

    private mutating func calibration(_ width: NumberWidth) -> Calibration {
        if forests.generator.chance(0.4) { return .platt(slope: number(width), intercept: number(width)) }
        let x = ascending(8, width) + [4]
        return .isotonic(x: x, y: numbers(x.count, width))
    }

    /// Rows of holes, round numbers, edges and others; only plain ones for smooth pipelines.
    mutating func rows(_ pipeline: Pipeline, _ kind: Kind, count: Int) -> [[Double]] {
        let edges: [Double] = [
            .nan, 0, -0.0, .infinity, -.infinity, 1e-45, 1e300, -1e300, 16_777_217, .leastNonzeroMagnitude,
        ]
        return (0..<count).map { row in
            (0..<pipeline.input.columns).map { _ in
                if kind == .exact && row == 0 { return .nan }
                if kind == .exact && forests.generator.chance(0.15) {
                    return edges.randomElement(using: &forests.generator)!
                }
                return number(.float64)
            }
        }
    }
}
