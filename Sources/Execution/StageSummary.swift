// What a person may want to know of a compiled pipeline's stages.

internal import CKernels

/// One stage that really runs: copies that the compiler has dropped are not among them, and layers
/// carry what has been joined to them.
public struct StageSummary: Sendable, Equatable {
    /// As the pipeline has named it: `pipeline.before[0].scale`, an ONNX node.
    public var name: String
    /// `scale`, `dense relu`, `forest`, `gather` …
    public var kind: String
    public var inputColumns: Int
    public var outputColumns: Int
    public var isFloat64: Bool
}

extension StageSummary {
    /// A checked stage.
    init(_ stage: serin_stage, _ values: UnsafeBufferPointer<serin_value>, names: UnsafeBufferPointer<UInt8>) {
        let start = Int(stage.name_start)
        name = String(decoding: names[start..<start + Int(stage.name_bytes)], as: UTF8.self)
        inputColumns = Int(values[Int(stage.input)].columns)
        outputColumns = Int(values[Int(stage.output)].columns)
        isFloat64 = stage.width == UInt32(SERIN_FLOAT64)
        kind = Self.kind(of: stage)
    }

    private static let kinds: [Int: String] = [
        SERIN_STAGE_GATHER: "gather", SERIN_STAGE_SELECT: "select", SERIN_STAGE_IMPUTE: "impute",
        SERIN_STAGE_SCALE: "scale", SERIN_STAGE_ARITHMETIC: "arithmetic", SERIN_STAGE_COMBINE: "combine",
        SERIN_STAGE_ONE_HOT: "one-hot", SERIN_STAGE_LOOKUP: "lookup", SERIN_STAGE_CLIP: "clip",
        SERIN_STAGE_LOG: "log", SERIN_STAGE_BUCKET: "bucket", SERIN_STAGE_BINARIZE: "binarize",
        SERIN_STAGE_NORMALIZE: "normalize", SERIN_STAGE_DENSE: "dense", SERIN_STAGE_TRANSFORM: "transform",
        SERIN_STAGE_ACTIVATION: "activation", SERIN_STAGE_PLATT: "platt", SERIN_STAGE_ISOTONIC: "isotonic",
        SERIN_STAGE_COMPLEMENT: "complement", SERIN_STAGE_COMPARE: "compare", SERIN_STAGE_CHOOSE: "choose",
        SERIN_STAGE_REDUCE: "reduce", SERIN_STAGE_FOREST: "forest",
    ]

    private static let activations = [
        "", " relu", " sigmoid", " tanh", " softmax", " exponential", " logarithm", " negate", " absolute",
        " reciprocal", " square root", " truncate", " floor",
    ]

    private static func kind(of stage: serin_stage) -> String {
        let kind = kinds[Int(stage.kind)] ?? "stage \(stage.kind)"
        let isActivated = [SERIN_STAGE_DENSE, SERIN_STAGE_ACTIVATION].contains(Int(stage.kind))
        return isActivated ? kind + activations[Int(stage.detail)] : kind
    }
}
