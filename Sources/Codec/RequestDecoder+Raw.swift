// A body that is the tensor and nothing else: Triton's raw form, `Inference-Header-Content-Length: 0`.
//
//     [row 0][row 1]…      rows × features values of the declared datatype, little-endian
//
// Nothing says how many rows there are, so the byte count does; the answer is the primary output, in binary.
// (Triton: one input, at most one dimension of unknown size, all outputs binary.)

internal import Inference
internal import Primitives

extension RequestDecoder {
    func decodeRaw(
        _ body: UnsafeRawBufferPointer, codec: ModelCodec, into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        let type: Datatype = codec.input.declaredType == .float32 ? .fp32 : .fp64
        let rowBytes = codec.featureCount * type.byteCount
        guard body.count > 0, body.count % rowBytes == 0 else { throw Self.rawRefusal(body.count, type, codec) }
        let rows = body.count / rowBytes
        try Rows.check(rows, "binary data", codec)
        request.pointee.id.count = 0
        OutputWishes.readNone(into: request, binary: true)
        try BinaryData.fill(request, from: body, type: type, rows: rows, codec: codec)
        try Rows.applyPolicies(request, codec)
    }

    @inline(never)
    private static func rawRefusal(_ count: Int, _ type: Datatype, _ codec: ModelCodec) -> RequestError {
        RequestFields.expected(
            "binary data",
            "rows of \(codec.featureCount * type.byteCount) bytes ([rows, \(codec.featureCount)] of \(type.name)), "
                + "as there is no JSON header", got: "\(count) bytes")
    }
}
