// An output as both protocols describe it: name, datatype, shape, bytes of its data.

internal import Inference
internal import JSON
internal import Primitives

extension OutputKind {
    /// For refusals.
    static let expectation = "'score', 'margin', 'label', 'prediction_id', 'contributions' or 'reasons'"

    init?(named bytes: UnsafeRawBufferPointer) {
        if InferText.equals(bytes, "score") {
            self = .score
        } else if InferText.equals(bytes, "margin") {
            self = .margin
        } else if InferText.equals(bytes, "label") {
            self = .label
        } else if InferText.equals(bytes, "prediction_id") {
            self = .predictionID
        } else if InferText.equals(bytes, "contributions") {
            self = .contributions
        } else if InferText.equals(bytes, "reasons") {
            self = .reasons
        } else {
            return nil
        }
    }

    var name: StaticString {
        switch self {
        case .score: "score"
        case .margin: "margin"
        case .label: "label"
        case .predictionID: "prediction_id"
        case .contributions: "contributions"
        case .reasons: "reasons"
        }
    }

    func datatype(_ codec: ModelCodec) -> StaticString {
        switch self {
        case .label: "INT64"
        case .predictionID, .reasons: "BYTES"
        case .score, .margin, .contributions: codec.scoreType == .float32 ? "FP32" : "FP64"
        }
    }
}

/// The dimensions behind the rows; 0: there is no second one.
struct OutputShape {
    var first: Int
    var second = 0

    @inline(__always)
    init(_ kind: OutputKind, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec) {
        switch kind {
        case .score, .margin: first = codec.columns
        case .label, .predictionID: first = 1
        case .contributions:
            first = codec.columns > 1 ? codec.columns : codec.featureCount + 1
            second = codec.columns > 1 ? codec.featureCount + 1 : 0
        case .reasons: first = request.pointee.explanation.reasons
        }
    }

    /// Values of a row.
    @inline(__always)
    var count: Int { second == 0 ? first : first * second }
}

enum OutputBytes {
    /// Of the output's data, in binary.
    @inline(__always)
    static func raw(
        _ kind: OutputKind, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec
    ) -> Int {
        switch kind {
        case .reasons: ExplanationEncoder.rawBytes(request, codec)
        case .label: request.pointee.rowCount * 8
        case .predictionID: request.pointee.predictionIDs.count + request.pointee.rowCount * 4
        case .score, .margin, .contributions:
            request.pointee.rowCount * OutputShape(kind, request, codec).count * codec.scoreType.byteCount
        }
    }

    /// Writes them.
    static func write(
        _ kind: OutputKind, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) {
        switch kind {
        case .score:
            pen.put(UnsafeRawBufferPointer(start: request.pointee.scores.pointer, count: raw(kind, request, codec)))
        case .margin:
            pen.put(UnsafeRawBufferPointer(start: request.pointee.margins.pointer, count: raw(kind, request, codec)))
        case .predictionID: PredictionIDs(request).writeBinary(&pen)
        case .contributions: pen.put(request.pointee.contributions.bytes)
        case .reasons: ExplanationEncoder.writeRaw(request, codec, &pen)
        case .label:
            let scores = Scores(request.pointee.scores.pointer, codec)
            for row in 0..<request.pointee.rowCount { pen.put(int64: Int64(scores.label(row, codec, request))) }
        }
    }
}
