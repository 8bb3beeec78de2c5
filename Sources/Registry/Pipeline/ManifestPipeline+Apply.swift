// Steps and model as one pipeline of stages.
//
// Columns are only names for "column i of value v" until a stage needs them side by side, so a step on
// three of forty features copies three columns, and steps on the same features copy none.

internal import Configuration
internal import ModelFormat

extension ManifestPipeline {
    /// The model between its steps.
    /// - Parameter source: the manifest, as errors name it.
    func apply(
        to model: PortableModel, featureCount: Int, source: String
    ) throws(ConfigurationError) -> PortableModel {
        let columns = modelColumns(featureCount: featureCount).count
        guard columns == model.featureCount else {
            throw ConfigurationError(
                source: source, keyPath: "pipeline.before",
                message: "makes \(columns) columns of \(featureCount) features, but the model has \(model.featureCount)"
            )
        }
        var builder = StageBuilder(featureCount: featureCount)
        for step in before { builder.add(step) }
        builder.add(model)
        for step in after {
            guard let message = builder.add(step) else { continue }
            throw ConfigurationError(source: source, keyPath: step.place, message: message)
        }
        do {
            try builder.pipeline.check()
        } catch {
            throw ConfigurationError(source: source, keyPath: "pipeline", message: error.description)
        }
        return .pipeline(builder.pipeline)
    }
}

private struct StageBuilder {
    private struct Column: Hashable {
        var value: Int
        var index: Int
    }

    private(set) var pipeline: Pipeline
    /// The columns of each feature.
    private var columns: [[Column]]

    init(featureCount: Int) {
        pipeline = Pipeline(
            input: Pipeline.Value(columns: featureCount, width: .float64), stages: [], margins: 0, scores: 0)
        columns = (0..<featureCount).map { [Column(value: 0, index: $0)] }
    }

    private mutating func add(
        _ operation: Operation, _ inputs: [Int], columns: Int, width: NumberWidth = .float64, _ name: String
    ) -> Int {
        let output = Pipeline.Value(columns: columns, width: width)
        pipeline.stages.append(Pipeline.Stage(inputs: inputs, operation: operation, output: output, name: name))
        return pipeline.stages.count
    }

    /// A value with exactly these columns.
    private mutating func value(of columns: [Column], _ name: String) -> Int {
        let values = Set(columns.map { $0.value }).sorted()
        if values.count == 1, columns.map({ $0.index }) == Array(0..<pipeline.value(values[0]).columns) {
            return values[0]
        }
        var starts: [Int: Int] = [:]
        var count = 0
        for value in values {
            starts[value] = count
            count += pipeline.value(value).columns
        }
        let places = columns.map { starts[$0.value]! + $0.index }
        return add(.select(columns: places), values, columns: places.count, name)
    }

    mutating func add(_ step: ManifestPipeline.Before) {
        let input = value(of: step.features.map { columns[$0][0] }, step.place)
        var widths = [Int](repeating: 1, count: step.features.count)
        if case .oneHot(let values) = step.kind { widths = values.map { $0.count } }
        let operation = step.kind.operation(count: step.features.count)
        let output = add(operation, [input], columns: widths.reduce(0, +), step.place)
        var index = 0
        for (feature, width) in zip(step.features, widths) {
            columns[feature] = (index..<index + width).map { Column(value: output, index: $0) }
            index += width
        }
    }

    mutating func add(_ model: PortableModel) {
        let input = value(of: columns.flatMap { $0 }, "pipeline.before")
        switch model {
        case .forest(let forest): add(forest, input)
        case .pipeline(let inner): add(inner, input)
        }
    }

    /// The forest's sums, and apart from them what its objective makes of them: the margin must stay.
    private mutating func add(_ forest: Forest, _ input: Int) {
        var sums = forest
        sums.averageDivisor = 1
        sums.transform = .identity
        let (count, width) = (forest.outputCount, forest.accumulation)
        pipeline.margins = add(.forest(sums), [input], columns: count, width: width, "model")
        pipeline.scores = pipeline.margins
        if forest.averageDivisor > 1 {
            let divisors = [Double](repeating: Double(forest.averageDivisor), count: count)
            pipeline.scores = add(
                .arithmetic(.divide, operands: divisors), [pipeline.scores], columns: count, width: width, "average")
        }
        if forest.transform != .identity {
            pipeline.scores = add(
                .transform(forest.transform), [pipeline.scores], columns: count, width: width, "objective")
        }
    }

    private mutating func add(_ inner: Pipeline, _ input: Int) {
        var start = input
        if inner.input.width != .float64 {
            start = add(.copy, [input], columns: inner.input.columns, width: inner.input.width, "model's input")
        }
        let first = pipeline.stages.count
        func moved(_ value: Int) -> Int { value == 0 ? start : first + value }
        for stage in inner.stages {
            var stage = stage
            stage.inputs = stage.inputs.map(moved)
            pipeline.stages.append(stage)
        }
        pipeline.margins = moved(inner.margins)
        pipeline.scores = moved(inner.scores)
    }

    /// nil, or why the step does not fit.
    mutating func add(_ step: ManifestPipeline.After) -> String? {
        let from = step.isOfMargin ? pipeline.margins : pipeline.scores
        let shape = pipeline.value(from)
        let operation: Operation
        switch step.kind {
        case .sigmoid(let scale):
            // The float32 form is XGBoost's and has no scale.
            if shape.width == .float32 && scale != 1 { return "the model's scores are FP32, which have no scale" }
            operation = .transform(.sigmoid(scale: scale))
        case .softmax:
            if shape.columns == 1 { return "needs a score of several columns, but the model's has one" }
            operation = .transform(.softmax)
        case .calibrate(let calibration):
            if shape.columns > 1 {
                return "calibrates a score of one column, but the model's has \(shape.columns)"
            }
            guard let rounded = calibration.rounded(to: shape.width) else {
                return "two points are the same number as FP32, which the model's scores are"
            }
            operation = .calibrate(rounded)
        }
        pipeline.scores = add(operation, [from], columns: shape.columns, width: shape.width, step.place)
        return nil
    }
}

extension ManifestPipeline.Before.Kind {
    fileprivate func operation(count: Int) -> Operation {
        switch self {
        case .impute(let values, let marker): .impute(values: values, marker: marker ?? .nan)
        case .scale(let offsets, let scales): .scale(offsets: offsets, scales: scales)
        case .clip(let low, let high): .clip(low: low, high: high)
        case .log(let offset): .log(offset: offset)
        case .bucket(let edges): .bucket(edges: [[Double]](repeating: edges, count: count))
        case .oneHot(let values): .oneHot(categories: values)
        case .targetEncode(let table): .lookup(tables: [table])
        }
    }
}

extension Calibration {
    /// In numbers of the scores' width; nil: two points would become one.
    fileprivate func rounded(to width: NumberWidth) -> Calibration? {
        guard width == .float32 else { return self }
        func rounded(_ number: Double) -> Double { Double(Float(number)) }
        switch self {
        case .platt(let slope, let intercept):
            return .platt(slope: rounded(slope), intercept: rounded(intercept))
        case .isotonic(let x, let y):
            let points = x.map(rounded)
            guard zip(points, points.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
            return .isotonic(x: points, y: y.map(rounded))
        }
    }
}
