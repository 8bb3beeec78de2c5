// A ModelInferRequest's one tensor into the slot's rows.
//
//     raw_input_contents[0]   little-endian values, copied              the fast way
//     inputs[0].contents      typed: one list by datatype, packed or not, in one piece or several
//
// Raw and typed do not mix (Triton's rule). Nothing is allocated: fields are read where they lie, and
// shape and datatype are known before the first value is written.

internal import GRPC
public import Inference
internal import Primitives

public enum ModelInferDecoder {
    /// Decodes the request into the slot, with the codec of the version that was chosen for it.
    ///
    /// Throws with status 400, naming the field and what was expected.
    @inline(__always)
    public static func decode(
        _ envelope: ModelInferEnvelope, codec: ModelCodec, into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        request.pointee.dialect = .modelInfer
        request.pointee.outOfRange = 0
        request.pointee.explanation = ExplanationWish()
        request.pointee.id.count = 0
        request.pointee.id.append(envelope.id)
        if let micros = envelope.timeoutMicros, micros > 0 {
            request.pointee.timeoutNanos = min(micros, 1 << 53) * 1000
        }
        guard envelope.inputCount == 1 else { throw inputsRefusal(envelope.inputCount) }
        let tensor = try InferInput(envelope.input)
        try tensor.checkName(codec)
        let type = try tensor.readDatatype()
        let rows = try tensor.readShape(codec)
        let isRaw = envelope.rawCount > 0
        if isRaw {
            if envelope.rawCount != 1 { throw rawCountRefusal(envelope.rawCount) }
            if tensor.contentBytes > 0, try InferContents.holdsValues(tensor.message) { throw mixedRefusal() }
            try decodeRaw(envelope.raw, type, rows, codec, request)
        } else {
            try InferContents.decode(tensor.message, type, rows: rows, codec: codec, into: request)
        }
        request.pointee.wishes[0] = OutputWish(.score, binary: isRaw)
        request.pointee.wishCount = 1
        if envelope.outputCount > 0 { try InferOutputs.read(envelope.message, isRaw: isRaw, into: request) }
        if envelope.explain != nil || envelope.explainClass != nil { try readExplanation(envelope, codec, request) }
        try ExplanationFields.settle(request, codec, binary: isRaw)
        try Rows.applyPolicies(request, codec)
    }

    @inline(__always)
    private static func decodeRaw(
        _ raw: UnsafeRawBufferPointer, _ type: Datatype, _ rows: Int, _ codec: ModelCodec,
        _ request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        let expected = rows * codec.featureCount * type.byteCount
        if raw.count != expected { throw rawSizeRefusal(raw.count, rows, type, codec) }
        try BinaryData.decode(
            size: expected, tail: raw, hasData: false, type: type, rows: rows, codec: codec, into: request)
    }

    /// `parameters.explain` and `parameters.explain_class`.
    @inline(never)
    private static func readExplanation(
        _ envelope: ModelInferEnvelope, _ codec: ModelCodec, _ request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        if let explain = envelope.explain {
            if let flag = explain.flag {
                ExplanationFields.noteExplain(flag, request)
            } else if let count = explain.count, count <= codec.explanation.reasonsMax {
                request.pointee.explanation.need = .whereItFits
                request.pointee.explanation.reasons = Int(count)
            } else {
                throw ExplanationFields.countRefusal(
                    "parameters.explain", "true, false or ", codec, got: "another value")
            }
        }
        guard let chosen = envelope.explainClass else { return }
        var column = chosen.text.flatMap { codec.explanation.column(named: $0) }
        if let number = chosen.count, number < codec.columns { column = Int(number) }
        try ExplanationFields.noteClass(column, "parameters.explain_class", got: "another", codec, request)
    }

    // MARK: Refusals

    @inline(never)
    private static func inputsRefusal(_ count: Int) -> RequestError {
        RequestFields.expected("inputs", "one tensor", got: "\(count)")
    }

    @inline(never)
    private static func rawCountRefusal(_ count: Int) -> RequestError {
        RequestFields.expected("raw_input_contents", "one, as there is one input", got: "\(count)")
    }

    @inline(never)
    private static func mixedRefusal() -> RequestError {
        .badRequest("inputs[0].contents: expected none beside raw_input_contents, got some")
    }

    @inline(never)
    private static func rawSizeRefusal(_ count: Int, _ rows: Int, _ type: Datatype, _ codec: ModelCodec) -> RequestError
    {
        let expected = rows * codec.featureCount * type.byteCount
        return RequestFields.expected(
            "raw_input_contents[0]", "\(expected) bytes ([\(rows), \(codec.featureCount)] of \(type.name))",
            got: "\(count)")
    }
}
