// Explanations to bytes.
//
//     V1       "explanations":[{"base":b,"contributions":{"amount":c,…},"reasons":[{…},…]},…]      base + Σ c = margin
//              many classes: b and c are lists, one number a class, and "class" says whose reasons stand there
//     V2       outputs contributions [rows, features + 1] or [rows, classes, features + 1], the base last;
//              reasons BYTES [rows, reasons]: texts, empty behind the last
//
// Contributions are written, values never: a feature with personal data can be a reason and stays unsaid.

internal import Inference
internal import JSON
internal import Primitives

enum ExplanationEncoder {
    // MARK: V1

    /// An upper bound of what `writeV1` writes.
    static func bytesMaxV1(_ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec) -> Int {
        let numbers = codec.columns * (codec.featureCount + 1) * (JSONWriter.numberBytesMax + 1)
        let reason =
            48 + codec.explanation.nameBytesMax + codec.explanation.quotedReasonBytesMax + JSONWriter.numberBytesMax
        let row = 96 + codec.explanation.keyBytes + 4 * codec.featureCount + numbers + codec.explanation.classBytesMax
        return 32 + request.pointee.rowCount * (row + request.pointee.explanation.reasons * reason)
    }

    static func writeV1(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) {
        pen.put(#","explanations":["#)
        for row in 0..<request.pointee.rowCount {
            pen.put(row > 0 ? #",{"base":"# : #"{"base":"#)
            writeColumns(row, codec.featureCount, request, codec, &pen)
            pen.put(#","contributions":{"#)
            for feature in 0..<codec.featureCount {
                if feature > 0 { pen.put(",") }
                pen.put(codec.explanation.key(feature))
                writeColumns(row, feature, request, codec, &pen)
            }
            pen.put("}")
            if request.pointee.explanation.reasons > 0 { writeReasonsV1(row, request, codec, &pen) }
            pen.put("}")
        }
        pen.put("]")
    }

    /// One feature's contribution: a number, or a list with one for each class.
    @inline(__always)
    private static func writeColumns(
        _ row: Int, _ feature: Int, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec,
        _ pen: inout Pen
    ) {
        let contributions = Contributions(request, codec)
        if codec.columns == 1 {
            return contributions.values.write(contributions.first(row, 0) + feature, 1, &pen)
        }
        for column in 0..<codec.columns {
            pen.put(column > 0 ? "," : "[")
            contributions.values.write(contributions.first(row, column) + feature, 1, &pen)
        }
        pen.put("]")
    }

    private static func writeReasonsV1(
        _ row: Int, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) {
        let contributions = Contributions(request, codec)
        let column = contributions.column(row, request, codec)
        if codec.columns > 1 {
            pen.put(#","class":"#)
            if let name = codec.explanation.quotedClass(column) { pen.put(name) } else { pen.put(column) }
        }
        pen.put(#","reasons":["#)
        var isFirst = true
        for place in 0..<request.pointee.explanation.reasons {
            guard let feature = feature(row, place, request) else { break }
            pen.put(isFirst ? #"{"feature":"# : #",{"feature":"#)
            isFirst = false
            pen.put(codec.explanation.name(feature))
            pen.put(#","contribution":"#)
            contributions.values.write(contributions.first(row, column) + feature, 1, &pen)
            pen.put(#","reason":"#)
            pen.put(codec.explanation.quotedReason(feature))
            pen.put("}")
        }
        pen.put("]")
    }

    /// The feature that is a row's reason at a place; nil: there are no more.
    @inline(__always)
    private static func feature(
        _ row: Int, _ place: Int, _ request: UnsafeMutablePointer<InferenceRequest>
    ) -> Int? {
        let index = row * request.pointee.explanation.reasons + place
        let feature = request.pointee.ranking.pointer.load(fromByteOffset: 4 * index, as: Int32.self)
        return feature < 0 ? nil : Int(feature)
    }

    // MARK: V2

    /// Texts of a row's reasons, as many as were asked for.
    @inline(__always)
    private static func text(
        _ index: Int, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec
    ) -> UnsafeRawBufferPointer {
        let feature = request.pointee.ranking.pointer.load(fromByteOffset: 4 * index, as: Int32.self)
        return feature < 0
            ? UnsafeRawBufferPointer(start: nil, count: 0) : codec.explanation.reason(Int(feature))
    }

    private static func count(_ request: UnsafeMutablePointer<InferenceRequest>) -> Int {
        request.pointee.rowCount * request.pointee.explanation.reasons
    }

    /// Strings with commas.
    static func writeTexts(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) {
        for row in 0..<request.pointee.rowCount {
            for place in 0..<request.pointee.explanation.reasons {
                if row + place > 0 { pen.put(",") }
                if let feature = feature(row, place, request) {
                    pen.put(codec.explanation.quotedReason(feature))
                } else {
                    pen.put(#""""#)
                }
            }
        }
    }

    /// Bytes of `writeRaw`.
    static func rawBytes(_ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec) -> Int {
        var bytes = 0
        for index in 0..<count(request) { bytes += 4 + text(index, request, codec).count }
        return bytes
    }

    /// Each text behind its length in four bytes, little-endian: BYTES as binary tensors have it.
    static func writeRaw(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) {
        for index in 0..<count(request) {
            let text = text(index, request, codec)
            pen.at.storeBytes(of: UInt32(text.count).littleEndian, as: UInt32.self)
            pen.at += 4
            pen.put(text)
        }
    }

    /// Bytes of `writeElements`.
    static func elementBytes(_ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec) -> Int {
        var bytes = 0
        for index in 0..<count(request) {
            let length = text(index, request, codec).count
            bytes += 1 + Pen.bytes(varint: length) + length
        }
        return bytes
    }

    /// `bytes_contents` 8: a field for each text.
    static func writeElements(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ pen: inout Pen
    ) {
        for index in 0..<count(request) { pen.put(field: 8, text(index, request, codec)) }
    }

    /// An upper bound of either form of one output.
    static func bytesMax(
        _ kind: OutputKind, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec
    ) -> Int {
        switch kind {
        case .contributions:
            request.pointee.contributions.count / codec.scoreType.byteCount * (JSONWriter.numberBytesMax + 1)
        case .reasons:
            count(request) * (8 + max(codec.explanation.quotedReasonBytesMax, codec.explanation.reasonBytesMax))
        case .score, .margin, .label, .predictionID: 0
        }
    }
}
