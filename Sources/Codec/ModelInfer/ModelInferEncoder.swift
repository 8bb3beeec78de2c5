// Scores to a ModelInferResponse.
//
//     model_name 1, model_version 2, parameters 4 {serin-version}      prepared when the version is loaded
//     id 3, parameters 4 {serin-arm, serin-tier}, outputs 5 …, raw_output_contents 6 …
//
// A request with raw contents is answered raw, one with typed contents typed. The room is reserved
// once for the worst case; lengths inside lengths are computed before they are written.

internal import GRPC
internal import Inference
internal import Primitives

enum ModelInferEncoder {
    /// What `encode` needs to know of a version before there is a request.
    static func prepare(name: String, version: String) -> [UInt8] {
        var response = ProtobufWriter()
        response.field(1, name)
        response.field(2, version)
        response.message(4) { entry in
            entry.field(1, "serin-version")
            entry.message(2) { $0.element(3, version) }
        }
        return response.bytes
    }

    /// Appends the message to `out`.
    static func encode(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ facts: ServingFacts,
        _ out: inout GrowableBuffer
    ) {
        out.reserve(out.count + bytesMax(request, codec, facts))
        var pen = Pen(at: out.pointer + out.count)
        pen.put(codec.inferHead.bytes)
        if request.pointee.id.count > 0 { pen.put(field: 3, request.pointee.id.bytes) }
        put(parameter: "serin-arm", facts.arm, &pen)
        put(parameter: "serin-tier", facts.tier, &pen)
        for index in 0..<request.pointee.wishCount { putOutput(request.pointee.wishes[index], request, codec, &pen) }
        for index in 0..<request.pointee.wishCount where request.pointee.wishes[index].binary {
            putRaw(request.pointee.wishes[index].kind, request, codec, &pen)
        }
        out.count = out.pointer.distance(to: pen.at)
    }

    private static func bytesMax(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ facts: ServingFacts
    ) -> Int {
        // Of each output: name, type, shape and lengths, and up to 10 bytes a value.
        let output = 128 + request.pointee.rowCount * codec.columns * Protobuf.varintBytesMax
        return 256 + codec.inferHead.count + facts.arm.count + facts.tier.count + request.pointee.id.count
            + max(1, request.pointee.wishCount) * output
            // A tag and a length each.
            + request.pointee.predictionIDs.count + request.pointee.rowCount * 4
    }

    /// A pair of `parameters`: key 1, value 2 { string_param 3 }.
    @inline(__always)
    private static func put(parameter key: StaticString, _ value: UnsafeRawBufferPointer, _ pen: inout Pen) {
        let keyBytes = key.utf8CodeUnitCount
        let choice = 1 + Protobuf.byteCount(varint: UInt64(value.count)) + value.count
        let entry = 2 + keyBytes + 1 + Protobuf.byteCount(varint: UInt64(choice)) + choice
        pen.put(tag: 4, length: entry)
        pen.put(tag: 1, length: keyBytes)
        pen.put(key)
        pen.put(tag: 2, length: choice)
        pen.put(field: 3, value)
    }

    // MARK: Outputs

    @inline(__always)
    private static func putOutput(
        _ wish: OutputWish, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) {
        let rows = request.pointee.rowCount
        let columns = wish.kind.columns(codec)
        let name = name(wish.kind)
        let datatype = datatype(wish.kind, codec)
        let shape = Protobuf.byteCount(varint: UInt64(rows)) + Protobuf.byteCount(varint: UInt64(columns))
        let values = wish.binary ? 0 : valueBytes(wish.kind, request, codec)
        // contents 5 { list } with the list's own tag and length; bytes_contents are no packed list.
        let isPacked = wish.kind != .predictionID
        let list = wish.binary ? 0 : (isPacked ? 1 + Protobuf.byteCount(varint: UInt64(values)) : 0) + values
        let contents = wish.binary ? 0 : 1 + Protobuf.byteCount(varint: UInt64(list)) + list
        let head = 2 + name.utf8CodeUnitCount + 2 + datatype.utf8CodeUnitCount + 2 + shape
        pen.put(tag: 5, length: head + contents)
        pen.put(tag: 1, length: name.utf8CodeUnitCount)
        pen.put(name)
        pen.put(tag: 2, length: datatype.utf8CodeUnitCount)
        pen.put(datatype)
        pen.put(tag: 3, length: shape)
        pen.put(varint: UInt64(rows))
        pen.put(varint: UInt64(columns))
        if wish.binary { return }
        if wish.kind == .predictionID {
            pen.put(tag: 5, length: values)
            return putPredictionIDs(request, &pen)
        }
        pen.put(tag: 5, length: list)
        pen.put(tag: listField(wish.kind, codec), length: values)
        putValues(wish.kind, request, codec, asVarints: true, &pen)
    }

    private static func putRaw(
        _ kind: OutputKind, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) {
        pen.put(tag: 6, length: kind.binaryBytes(request, codec))
        putValues(kind, request, codec, asVarints: false, &pen)
    }

    private static func putValues(
        _ kind: OutputKind, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, asVarints: Bool,
        _ pen: inout Pen
    ) {
        let count = request.pointee.rowCount * codec.columns * codec.scoreType.byteCount
        switch kind {
        case .score: pen.put(UnsafeRawBufferPointer(start: request.pointee.scores.pointer, count: count))
        case .margin: pen.put(UnsafeRawBufferPointer(start: request.pointee.margins.pointer, count: count))
        case .label:
            let scores = Scores(request.pointee.scores.pointer, codec)
            for row in 0..<request.pointee.rowCount {
                let label = Int64(scores.label(row, codec, request))
                if asVarints { pen.put(varint: UInt64(bitPattern: label)) } else { pen.put(int64: label) }
            }
        case .predictionID: PredictionIDs(request).writeBinary(&pen)
        }
    }

    /// bytes_contents 8, once a row.
    private static func putPredictionIDs(_ request: UnsafeMutablePointer<InferenceRequest>, _ pen: inout Pen) {
        let ids = PredictionIDs(request)
        for row in 0..<request.pointee.rowCount { pen.put(field: 8, ids[row]) }
    }

    /// Bytes of the typed list's values.
    private static func valueBytes(
        _ kind: OutputKind, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec
    ) -> Int {
        if kind == .predictionID {
            let length = PredictionIDs(request).length
            return request.pointee.rowCount * (1 + Protobuf.byteCount(varint: UInt64(length)) + length)
        }
        guard kind == .label else { return request.pointee.rowCount * codec.columns * codec.scoreType.byteCount }
        let scores = Scores(request.pointee.scores.pointer, codec)
        return (0..<request.pointee.rowCount).reduce(0) {
            $0 + Protobuf.byteCount(varint: UInt64(bitPattern: Int64(scores.label($1, codec, request))))
        }
    }

    /// int64_contents, fp32_contents or fp64_contents.
    private static func listField(_ kind: OutputKind, _ codec: ModelCodec) -> UInt8 {
        kind == .label ? 3 : codec.scoreType == .float32 ? 6 : 7
    }

    private static func name(_ kind: OutputKind) -> StaticString {
        switch kind {
        case .score: "score"
        case .margin: "margin"
        case .label: "label"
        case .predictionID: "prediction_id"
        }
    }

    private static func datatype(_ kind: OutputKind, _ codec: ModelCodec) -> StaticString {
        kind == .predictionID ? "BYTES" : kind == .label ? "INT64" : codec.scoreType == .float32 ? "FP32" : "FP64"
    }
}

extension Pen {
    /// The tag of a field with a length, and the length.
    @inline(__always)
    fileprivate mutating func put(tag number: UInt8, length: Int) {
        at.storeBytes(of: Protobuf.tag(number, .bytes), as: UInt8.self)
        at += 1
        put(varint: UInt64(length))
    }

    @inline(__always)
    fileprivate mutating func put(varint value: UInt64) { at += Protobuf.write(varint: value, to: at) }

    @inline(__always)
    fileprivate mutating func put(field number: UInt8, _ bytes: UnsafeRawBufferPointer) {
        put(tag: number, length: bytes.count)
        put(bytes)
    }
}
