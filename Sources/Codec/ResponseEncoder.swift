// Scores to bytes: the body of an answer.
//
//     V2  {"model_name":…,"model_version":…,"id":…,"parameters":{facts},"outputs":[tensor,…]}[binary tail]
//     V1  {"predictions":[…]}  or  {"outputs":[…]}
//     gRPC: ModelInferEncoder
//
// The room is reserved once for the worst case, then written without checks. The bytes in front
// of the outputs are prepared when the version is loaded. Scores have the shortest digits that
// read back as the same float or double, so JSON loses nothing against binary.

public import Inference
internal import JSON
public import Primitives

/// Who answered: what stands in the response headers and in the V2 body's parameters.
public struct ServingFacts {
    /// Bytes that need no escaping in JSON, alive while the answer is written.
    public var arm: UnsafeRawBufferPointer
    public var tier: UnsafeRawBufferPointer

    @inlinable
    public init(arm: UnsafeRawBufferPointer, tier: UnsafeRawBufferPointer) {
        self.arm = arm
        self.tier = tier
    }

    /// For arms that the program names itself, such as `stable` and `pinned`.
    @inlinable
    public init(arm: StaticString, tier: StaticString) {
        self.arm = UnsafeRawBufferPointer(start: arm.utf8Start, count: arm.utf8CodeUnitCount)
        self.tier = UnsafeRawBufferPointer(start: tier.utf8Start, count: tier.utf8CodeUnitCount)
    }
}

public enum ResponseEncoder {
    /// Appends the body of the answer to a scored request whose status is `ok`.
    ///
    /// `codec` is that of the version that answered. Returns the length of the JSON in front of
    /// the binary tail, for `Inference-Header-Content-Length`; nil: there is no tail.
    public static func encode(
        _ request: UnsafeMutablePointer<InferenceRequest>, codec: ModelCodec, facts: ServingFacts,
        into out: inout GrowableBuffer
    ) -> Int? {
        if request.pointee.dialect == .modelInfer {
            ModelInferEncoder.encode(request, codec, facts, &out)
            return nil
        }
        let start = out.count
        out.reserve(start + bytesMax(request, codec, facts))
        var pen = Pen(at: out.pointer + start)
        var headerLength: Int?
        switch request.pointee.dialect {
        case .v2:
            writeV2Header(request, codec, facts, &pen)
            let end = out.pointer.distance(to: pen.at) - start
            if writeV2Tail(request, codec, &pen) { headerLength = end }
        case .v1Instances: writeV1(#"{"predictions":["#, request, codec, &pen)
        case .v1Inputs: writeV1(#"{"outputs":["#, request, codec, &pen)
        case .modelInfer: preconditionFailure("ModelInferEncoder writes these")
        }
        out.count = out.pointer.distance(to: pen.at)
        return headerLength
    }

    /// An upper bound of the answer's length.
    @inline(__always)
    private static func bytesMax(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ facts: ServingFacts
    ) -> Int {
        // Of each output: the frame, and per value digits, a comma and in V1 brackets.
        let values = request.pointee.rowCount * codec.columns
        let output = 192 + values * (JSONWriter.numberBytesMax + 1) + request.pointee.rowCount * 3
        return 128 + codec.responseHead.count + codec.responseFacts.count + facts.arm.count + facts.tier.count
            + JSONWriter.escapedBytesMax * request.pointee.id.count + max(1, request.pointee.wishCount) * output
            // Quotes and a comma, or a length.
            + request.pointee.predictionIDs.count + request.pointee.rowCount * 4
    }

    // MARK: V1

    @inline(__always)
    private static func writeV1(
        _ head: StaticString, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) {
        pen.put(head)
        let scores = Scores(request.pointee.scores.pointer, codec)
        for row in 0..<request.pointee.rowCount {
            if row > 0 { pen.put(",") }
            if codec.columns > 1 { pen.put("[") }
            scores.write(row * codec.columns, codec.columns, &pen)
            if codec.columns > 1 { pen.put("]") }
        }
        pen.put("]}")
    }

    // MARK: V2

    @inline(__always)
    private static func writeV2Header(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ facts: ServingFacts, _ pen: inout Pen
    ) {
        pen.put(codec.responseHead.bytes)
        if request.pointee.id.count > 0 {
            pen.put(#","id":"#)
            pen.at += JSONWriter.write(string: request.pointee.id.bytes, to: pen.at)
        }
        pen.put(codec.responseFacts.bytes)
        pen.put(facts.arm)
        pen.put(#"","serin-tier":""#)
        pen.put(facts.tier)
        pen.put(#""},"outputs":["#)
        for index in 0..<request.pointee.wishCount {
            if index > 0 { pen.put(",") }
            writeOutput(request.pointee.wishes[index], request, codec, &pen)
        }
        pen.put("]}")
    }

    @inline(__always)
    private static func writeOutput(
        _ wish: OutputWish, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) {
        let rows = request.pointee.rowCount
        let columns = wish.kind.columns(codec)
        pen.put(#"{"name":""#)
        switch wish.kind {
        case .score: pen.put("score")
        case .margin: pen.put("margin")
        case .label: pen.put("label")
        case .predictionID: pen.put("prediction_id")
        }
        switch (wish.kind, codec.scoreType) {
        case (.predictionID, _): pen.put(#"","datatype":"BYTES","shape":["#)
        case (.label, _): pen.put(#"","datatype":"INT64","shape":["#)
        case (_, .float32): pen.put(#"","datatype":"FP32","shape":["#)
        case (_, .float64): pen.put(#"","datatype":"FP64","shape":["#)
        }
        pen.put(rows)
        pen.put(",")
        pen.put(columns)
        if wish.binary {
            pen.put(#"],"parameters":{"binary_data_size":"#)
            pen.put(wish.kind.binaryBytes(request, codec))
            pen.put("}}")
            return
        }
        pen.put(#"],"data":["#)
        switch wish.kind {
        case .score: Scores(request.pointee.scores.pointer, codec).write(0, rows * columns, &pen)
        case .margin: Scores(request.pointee.margins.pointer, codec).write(0, rows * columns, &pen)
        case .label: writeLabels(request, codec, &pen)
        case .predictionID: writePredictionIDs(request, &pen)
        }
        pen.put("]}")
    }

    @inline(never)
    private static func writeLabels(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) {
        let scores = Scores(request.pointee.scores.pointer, codec)
        for row in 0..<request.pointee.rowCount {
            if row > 0 { pen.put(",") }
            pen.put(scores.label(row, codec, request))
        }
    }

    /// Ids are letters that need no escaping.
    @inline(never)
    private static func writePredictionIDs(_ request: UnsafeMutablePointer<InferenceRequest>, _ pen: inout Pen) {
        let ids = PredictionIDs(request)
        for row in 0..<request.pointee.rowCount {
            pen.put(row > 0 ? #",""# : #"""#)
            pen.put(ids[row])
            pen.put(#"""#)
        }
    }

    /// Appends the data of the binary outputs in their order; false: there are none.
    @inline(__always)
    private static func writeV2Tail(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) -> Bool {
        var hasTail = false
        for index in 0..<request.pointee.wishCount where request.pointee.wishes[index].binary {
            hasTail = true
            writeBinary(request.pointee.wishes[index].kind, request, codec, &pen)
        }
        return hasTail
    }

    private static func writeBinary(
        _ kind: OutputKind, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) {
        let count = request.pointee.rowCount * codec.columns * codec.scoreType.byteCount
        switch kind {
        case .score: pen.put(UnsafeRawBufferPointer(start: request.pointee.scores.pointer, count: count))
        case .margin: pen.put(UnsafeRawBufferPointer(start: request.pointee.margins.pointer, count: count))
        case .label:
            let scores = Scores(request.pointee.scores.pointer, codec)
            for row in 0..<request.pointee.rowCount { pen.put(int64: Int64(scores.label(row, codec, request))) }
        case .predictionID: PredictionIDs(request).writeBinary(&pen)
        }
    }
}

extension OutputKind {
    @inline(__always)
    func columns(_ codec: ModelCodec) -> Int { self == .score || self == .margin ? codec.columns : 1 }

    /// Of all rows, in a binary tail or in raw contents.
    @inline(__always)
    func binaryBytes(_ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec) -> Int {
        switch self {
        case .score, .margin: request.pointee.rowCount * codec.columns * codec.scoreType.byteCount
        case .label: request.pointee.rowCount * 8
        case .predictionID: request.pointee.predictionIDs.count + request.pointee.rowCount * 4
        }
    }
}

/// A slot's prediction ids, a row each.
struct PredictionIDs {
    private let bytes: UnsafeRawBufferPointer
    private let rows: Int
    let length: Int

    init(_ request: UnsafeMutablePointer<InferenceRequest>) {
        bytes = request.pointee.predictionIDs.bytes
        rows = request.pointee.rowCount
        length = bytes.count / max(rows, 1)
    }

    subscript(row: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[row * length..<(row + 1) * length])
    }

    /// As BYTES are: each behind its length in four bytes.
    func writeBinary(_ pen: inout Pen) {
        for row in 0..<rows {
            pen.at.storeBytes(of: UInt32(length).littleEndian, as: UInt32.self)
            pen.at += 4
            pen.put(self[row])
        }
    }
}

/// A slot's scores or margins in the model's width.
struct Scores {
    private let values: UnsafeMutableRawPointer
    private let type: ValueType

    @inline(__always)
    init(_ values: UnsafeMutableRawPointer, _ codec: ModelCodec) {
        self.values = values
        type = codec.scoreType
    }

    /// Writes `count` values from `first` on, with commas.
    @inline(__always)
    func write(_ first: Int, _ count: Int, _ pen: inout Pen) {
        for index in first..<first + count {
            if index > first { pen.put(",") }
            switch type {
            case .float32:
                pen.at += JSONWriter.write(values.load(fromByteOffset: 4 * index, as: Float.self), to: pen.at)
            case .float64:
                pen.at += JSONWriter.write(values.load(fromByteOffset: 8 * index, as: Double.self), to: pen.at)
            }
        }
    }

    /// What a constant says; else what the scores say: arg max (the first of equals), or for one column the side of
    /// the threshold.
    ///
    /// A float score is compared with the threshold as a float, so that the score which is printed
    /// like the threshold is at it.
    func label(_ row: Int, _ codec: ModelCodec, _ request: UnsafeMutablePointer<InferenceRequest>) -> Int {
        request.pointee.fixedLabel >= 0 ? request.pointee.fixedLabel : label(row, codec)
    }

    /// What the scores say.
    func label(_ row: Int, _ codec: ModelCodec) -> Int {
        guard codec.columns == 1 else {
            var best = 0
            for column in 1..<codec.columns
            where double(row * codec.columns + column) > double(row * codec.columns + best) { best = column }
            return best
        }
        let threshold = type == .float32 ? Double(Float(codec.threshold)) : codec.threshold
        return double(row) >= threshold ? codec.positive : codec.positive == 0 ? 1 : 0
    }

    private func double(_ index: Int) -> Double {
        type == .float32
            ? Double(values.load(fromByteOffset: 4 * index, as: Float.self))
            : values.load(fromByteOffset: 8 * index, as: Double.self)
    }
}

/// Writes into reserved memory.
struct Pen {
    var at: UnsafeMutableRawPointer

    @inline(__always)
    mutating func put(_ literal: StaticString) {
        at.copyMemory(from: literal.utf8Start, byteCount: literal.utf8CodeUnitCount)
        at += literal.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        at.copyMemory(from: base, byteCount: bytes.count)
        at += bytes.count
    }

    @inline(__always)
    mutating func put(_ integer: Int) {
        if integer >= 0, integer < 10 {
            at.storeBytes(of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: integer), as: UInt8.self)
            at += 1
        } else {
            at += JSONWriter.write(integer, to: at)
        }
    }

    @inline(__always)
    mutating func put(int64: Int64) {
        at.storeBytes(of: int64.littleEndian, as: Int64.self)
        at += 8
    }
}
