// One stage's operation as `serin_stage` wants it: kind, detail, scalars, and parameters in sections.

internal import CKernels
internal import ModelFormat

struct StageEncoder {
    let inputs: Int
    let output: Pipeline.Value
    var writer: SectionWriter
    var stage = serin_stage()

    init(inputs: Int, output: Pipeline.Value, writer: SectionWriter) {
        self.inputs = inputs
        self.output = output
        self.writer = writer
    }

    mutating func encodeGather(_ values: [Int]) throws(ImageError) {
        setKind(SERIN_STAGE_GATHER)
        stage.parameters.0 = try writer.add(values.map { UInt32($0) })
        stage.input = UInt32(values[0])
    }

    mutating func encode(_ forest: Forest, number: Int) throws {
        setKind(SERIN_STAGE_FOREST, detail: UInt32(number))
        stage.parameters.0 = try writer.add(CompiledForest.compile(forest).image)
    }

    mutating func encode(_ operation: Operation) throws(ImageError) {
        switch operation {
        case .select(let columns):
            setKind(SERIN_STAGE_SELECT)
            stage.parameters.0 = try writer.add(columns.map { UInt32($0) })
        case .impute(let values, let marker):
            setKind(SERIN_STAGE_IMPUTE)
            stage.scalars.0 = marker
            try setNumbers(values)
        case .scale(let offsets, let scales):
            setKind(SERIN_STAGE_SCALE)
            try setNumbers(offsets, scales)
        case .arithmetic(let kind, let operands):
            setKind(SERIN_STAGE_ARITHMETIC, detail: UInt32(kind.rawValue))
            try setNumbers(operands)
        case .combine(let kind): setKind(SERIN_STAGE_COMBINE, detail: UInt32(kind.rawValue))
        case .oneHot(let categories): try encode(categories)
        case .lookup(let tables): try encode(tables)
        case .clip(let low, let high):
            setKind(SERIN_STAGE_CLIP)
            try setNumbers(low, high)
        case .log(let offset):
            setKind(SERIN_STAGE_LOG)
            stage.scalars.0 = offset
        case .bucket(let edges):
            setKind(SERIN_STAGE_BUCKET)
            try setNumbers(edges.flatMap { $0 })
            stage.parameters.1 = try writer.add(starts(edges.map { $0.count }))
        case .binarize(let thresholds):
            setKind(SERIN_STAGE_BINARIZE)
            try setNumbers(thresholds)
        case .dense(let layer): try encode(layer)
        case .calibrate(.platt(let slope, let intercept)):
            setKind(SERIN_STAGE_PLATT)
            stage.scalars = (slope, intercept)
        case .calibrate(.isotonic(let x, let y)):
            setKind(SERIN_STAGE_ISOTONIC)
            try setNumbers(x, y)
        case .transform(let transform): encode(transform)
        case .normalize(let norm): setKind(SERIN_STAGE_NORMALIZE, detail: UInt32(norm.rawValue))
        case .activation(let activation): setKind(SERIN_STAGE_ACTIVATION, detail: UInt32(activation.rawValue))
        case .complement: setKind(SERIN_STAGE_COMPLEMENT)
        case .compare(let relation): setKind(SERIN_STAGE_COMPARE, detail: UInt32(relation.rawValue))
        case .choose: setKind(SERIN_STAGE_CHOOSE)
        case .reduce(let reduction, _): setKind(SERIN_STAGE_REDUCE, detail: UInt32(reduction.rawValue))
        case .copy, .forest: preconditionFailure("has been lowered, or is encoded with its number")
        case .catboostCounters(let counters):
            setKind(SERIN_STAGE_COUNTERS)
            stage.parameters.0 = try writer.add(CounterEncoder(counters).bytes())
        }
    }

    private mutating func setKind(_ kind: some BinaryInteger, detail: UInt32 = 0) {
        stage.kind = UInt32(kind)
        stage.detail = detail
    }

    /// Numbers of the output's width as the first parameters.
    private mutating func setNumbers(_ first: [Double], _ second: [Double]? = nil) throws(ImageError) {
        stage.parameters.0 = try writer.add(numbers: first, output.width)
        if let second { stage.parameters.1 = try writer.add(numbers: second, output.width) }
    }

    /// Where each list begins when all stand one behind the other, and the end.
    private func starts(_ counts: [Int]) -> [UInt32] {
        var starts: [UInt32] = [0]
        for count in counts { starts.append(starts[starts.count - 1] + UInt32(count)) }
        return starts
    }

    private mutating func encode(_ categories: [[Double]]) throws(ImageError) {
        setKind(SERIN_STAGE_ONE_HOT)
        let starts = starts(categories.map { $0.count })
        var sorted: [Double] = []
        var places: [UInt32] = []
        for (column, list) in categories.enumerated() {
            let order = list.indices.sorted { list[$0] < list[$1] }
            sorted += order.map { list[$0] }
            places += order.map { starts[column] + UInt32($0) }
        }
        try setNumbers(sorted)
        stage.parameters.1 = try writer.add(places)
        stage.parameters.2 = try writer.add(starts)
    }

    private mutating func encode(_ tables: [LookupTable]) throws(ImageError) {
        setKind(SERIN_STAGE_LOOKUP)
        try setNumbers(tables.flatMap { $0.keys }, tables.flatMap { $0.values })
        stage.parameters.2 = try writer.add(starts(tables.map { $0.keys.count }))
        stage.parameters.3 = try writer.add(
            numbers: tables.flatMap { [$0.otherwise, $0.missing] }, output.width)
    }

    private mutating func encode(_ layer: DenseLayer) throws(ImageError) {
        setKind(SERIN_STAGE_DENSE, detail: UInt32(layer.activation.rawValue))
        stage.parameters.0 =
            output.width == .float32
            ? try writer.add(packed(layer, layer.weights.map { Float($0) }, 0))
            : try writer.add(packed(layer, layer.weights, 0))
        let padding = serin_dense_bias_count(output.width.code, layer.outputs) - layer.outputs
        stage.parameters.1 = try writer.add(
            numbers: layer.bias + [Double](repeating: 0, count: padding), output.width)
    }

    private func packed<Number: BitwiseCopyable>(_ layer: DenseLayer, _ weights: [Number], _ zero: Number) -> [Number] {
        let count = serin_dense_weight_count(output.width.code, layer.inputs, layer.outputs)
        var packed = [Number](repeating: zero, count: count)
        packed.withUnsafeMutableBytes { packed in
            weights.withUnsafeBytes {
                serin_dense_pack(
                    output.width.code, layer.inputs, layer.outputs, $0.baseAddress!, packed.baseAddress!)
            }
        }
        return packed
    }

    private mutating func encode(_ transform: OutputTransform) {
        switch transform {
        case .identity: setKind(SERIN_STAGE_TRANSFORM, detail: UInt32(SERIN_TRANSFORM_IDENTITY))
        case .sigmoid(let scale):
            setKind(SERIN_STAGE_TRANSFORM, detail: UInt32(SERIN_TRANSFORM_SIGMOID))
            stage.scalars.0 = scale
        case .softmax: setKind(SERIN_STAGE_TRANSFORM, detail: UInt32(SERIN_TRANSFORM_SOFTMAX))
        case .exponential: setKind(SERIN_STAGE_TRANSFORM, detail: UInt32(SERIN_TRANSFORM_EXPONENTIAL))
        case .step: setKind(SERIN_STAGE_TRANSFORM, detail: UInt32(SERIN_TRANSFORM_STEP))
        case .signedSquare: setKind(SERIN_STAGE_TRANSFORM, detail: UInt32(SERIN_TRANSFORM_SIGNED_SQUARE))
        case .softplus: setKind(SERIN_STAGE_TRANSFORM, detail: UInt32(SERIN_TRANSFORM_SOFTPLUS))
        case .fastSoftmax: setKind(SERIN_STAGE_TRANSFORM, detail: UInt32(SERIN_TRANSFORM_FAST_SOFTMAX))
        case .fastExponential: setKind(SERIN_STAGE_TRANSFORM, detail: UInt32(SERIN_TRANSFORM_FAST_EXPONENTIAL))
        }
    }
}
