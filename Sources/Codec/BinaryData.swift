// Binary data of a tensor: little-endian values behind the JSON header, without padding.
//
// FP32 and FP64 are copied as they are (NaN is missing, infinities are numbers); integers and BOOL
// become doubles, FP16 and BF16 floats. Every machine that Serin runs on is little-endian.

internal import Glibc
internal import Inference
internal import Primitives

enum BinaryData {
    /// Checks the sizes and writes rows × features values into the slot.
    static func decode(
        size: Int, tail: UnsafeRawBufferPointer?, hasData: Bool, type: Datatype, rows: Int, codec: ModelCodec,
        into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        guard let tail else {
            throw .badRequest("inputs[0].parameters.binary_data_size: needs the header Inference-Header-Content-Length")
        }
        if hasData { throw .badRequest("inputs[0]: expected data or parameters.binary_data_size, got both") }
        let count = rows * codec.featureCount
        let expected = count * type.byteCount
        if size != expected { throw sizeRefusal(size, rows, type, codec) }
        if tail.count != expected {
            throw RequestFields.expected(
                "binary data", "\(expected) bytes behind the JSON header", got: "\(tail.count)")
        }
        try fill(request, from: tail, type: type, rows: rows, codec: codec)
    }

    /// Writes rows × features values of `type` into the slot; `tail` holds exactly these.
    static func fill(
        _ request: UnsafeMutablePointer<InferenceRequest>, from tail: UnsafeRawBufferPointer, type: Datatype, rows: Int,
        codec: ModelCodec
    ) throws(RequestError) {
        let count = rows * codec.featureCount
        let values = Rows.reserve(request, rows, type.valueType, codec)
        guard let source = tail.baseAddress else { return }
        switch type {
        case .fp32, .fp64: memcpy(values, source, tail.count)
        case .fp16: copyHalves(source, count, values)
        case .bf16: copyBrains(source, count, values)
        case .bool: try copyBooleans(tail, values.assumingMemoryBound(to: Double.self))
        case .int8: copy(source, Int8.self, count, values)
        case .int16: copy(source, Int16.self, count, values)
        case .int32: copy(source, Int32.self, count, values)
        case .int64: copy(source, Int64.self, count, values)
        case .uint8: copy(source, UInt8.self, count, values)
        case .uint16: copy(source, UInt16.self, count, values)
        case .uint32: copy(source, UInt32.self, count, values)
        case .uint64: copy(source, UInt64.self, count, values)
        }
    }

    @inline(__always)
    private static func copy<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ source: UnsafeRawPointer, _: Integer.Type, _ count: Int, _ values: UnsafeMutableRawPointer
    ) {
        let doubles = values.assumingMemoryBound(to: Double.self)
        for index in 0..<count {
            let integer = source.loadUnaligned(fromByteOffset: index * MemoryLayout<Integer>.size, as: Integer.self)
            doubles[index] = Double(Integer(littleEndian: integer))
        }
    }

    private static func copyBooleans(
        _ source: UnsafeRawBufferPointer, _ values: UnsafeMutablePointer<Double>
    ) throws(RequestError) {
        for (index, byte) in source.enumerated() {
            if byte > 1 {
                throw RequestFields.expected("binary data byte \(index)", "BOOL, 0 or 1", got: "another byte")
            }
            values[index] = Double(byte)
        }
    }

    @inline(never)
    private static func sizeRefusal(_ size: Int, _ rows: Int, _ type: Datatype, _ codec: ModelCodec) -> RequestError {
        let expected = rows * codec.featureCount * type.byteCount
        return RequestFields.expected(
            "inputs[0].parameters.binary_data_size", "\(expected) ([\(rows), \(codec.featureCount)] of \(type.name))",
            got: RequestFields.printable(size))
    }
}
