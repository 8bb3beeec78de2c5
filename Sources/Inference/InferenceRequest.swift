// One predict request in its slab slot, from parsing to the response.
//
// The codec fills rows and wishes, the lane fills scores, the codec reads them again. The slot's
// buffers are reused by the requests that come after it, so a warm slot allocates nothing.

public import Primitives

/// Which shape the answer has.
public enum Dialect: UInt8, Sendable {
    /// Open Inference Protocol V2, REST.
    case v2
    /// V1 `instances`: answered by `predictions`.
    case v1Instances
    /// V1 `inputs`: answered by `outputs`.
    case v1Inputs
    /// gRPC's ModelInfer.
    case modelInfer
}

/// An output a V2 request can name.
public enum OutputKind: UInt8, Sendable { case score, margin, label, predictionID }

/// One output that was asked for, and whether its data goes in the binary tail.
public struct OutputWish: Sendable {
    public var kind: OutputKind
    public var binary: Bool
    @inlinable public init(_ kind: OutputKind, binary: Bool) {
        self.kind = kind
        self.binary = binary
    }
}

public struct InferenceRequest: ~Copyable {
    /// `rowCount` × features values of `valueType`, row-major; NaN is missing.
    public var values = GrowableBuffer()
    public var rowCount = 0
    public var valueType = ValueType.float32

    /// `rowCount` × columns in the model's score type; the lane reserves and fills them.
    public var scores = GrowableBuffer()
    /// As `scores`, before the objective's transform; filled only where `wantsMargins`.
    public var margins = GrowableBuffer()
    /// The rows' prediction ids, all of one length, one behind the other; empty: none are given out.
    public var predictionIDs = GrowableBuffer()
    public var status = ScoringStatus.ok

    public var dialect = Dialect.v2
    /// The client's `id` (UTF-8, unescaped), echoed in the answer; empty: none.
    public var id = GrowableBuffer()
    /// The outputs wished for, in the request's order, each kind once at the most; the first `wishCount` count.
    public var wishes: InlineArray<8, OutputWish> = .init(repeating: OutputWish(.score, binary: false))
    public var wishCount = 0
    /// The label of every row, where a constant answers and says it; -1: what the scores say.
    public var fixedLabel = -1
    /// Values out of their feature's range that were accepted or clipped.
    public var outOfRange = 0
    /// The span that the body gives, `parameters.timeout`, in nanoseconds; `.max`: none.
    public var timeoutNanos = UInt64.max
    /// No answer after it, in nanoseconds of the reactor's clock; `.max`: none.
    public var deadline = UInt64.max
    /// Whether anybody still waits.
    public let fate = RequestFate()

    public init() {}

    public var wantsMargins: Bool {
        @inlinable get {
            for index in 0..<wishCount where wishes[index].kind == .margin { return true }
            return false
        }
    }

    public var wantsPredictionIDs: Bool {
        @inlinable get {
            for index in 0..<wishCount where wishes[index].kind == .predictionID { return true }
            return false
        }
    }

    /// Ready for the next request; large buffers are given back.
    public mutating func reset() {
        values.reset()
        scores.reset()
        margins.reset()
        predictionIDs.reset()
        id.reset()
        rowCount = 0
        valueType = .float32
        status = .ok
        dialect = .v2
        wishCount = 0
        fixedLabel = -1
        outOfRange = 0
        timeoutNanos = .max
        deadline = .max
        fate.renew()
    }
}
