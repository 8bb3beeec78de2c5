// InferTensorContents: the list that belongs to the datatype, into the slot's rows.
//
//     bool 1   int 2 (INT8 to INT32)   int64 3   uint 4 (UINT8 to UINT32)   uint64 5   fp32 6   fp64 7   bytes 8
//
// A list is packed, in one piece or several, or one field a value: all of it is protobuf. The piece
// that clients send, all values packed, is one memcpy for FP32 and FP64.

internal import GRPC
internal import Glibc
internal import Inference
internal import Primitives

struct InferContents {
    private let type: Datatype
    private let values: UnsafeMutableRawPointer
    private let count: Int
    private var written = 0

    /// Reads every `contents` of an InferInputTensor: pieces of one message are one list.
    static func decode(
        _ tensor: UnsafeRawBufferPointer, _ type: Datatype, rows: Int, codec: ModelCodec,
        into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        if type.isBinaryOnly { throw binaryOnly(type) }
        let count = rows * codec.featureCount
        let values = Rows.reserve(request, rows, type.valueType, codec)
        var contents = InferContents(type: type, values: values, count: count)
        var fields = ProtobufReader(tensor)
        while fields.next() {
            if fields.number == 5, fields.type == .bytes { try contents.read(fields.bytes) }
        }
        if contents.written != count { throw contents.countRefusal() }
    }

    /// Whether any `contents` of an InferInputTensor holds a value; what the message does not know, counts for nothing.
    @inline(never)
    static func holdsValues(_ tensor: UnsafeRawBufferPointer) throws(RequestError) -> Bool {
        var holds = false
        var fields = ProtobufReader(tensor)
        while fields.next() {
            guard fields.number == 5, fields.type == .bytes else { continue }
            var contents = ProtobufReader(fields.bytes)
            while contents.next() {
                switch (contents.number, contents.type) {
                case (1...5, .varint), (6, .fixed32), (7, .fixed64), (8, .bytes): holds = true
                case (1...7, .bytes): if !contents.bytes.isEmpty { holds = true }
                default: break
                }
            }
            if contents.isMalformed { throw InferText.malformed("InferTensorContents") }
        }
        return holds
    }

    private init(type: Datatype, values: UnsafeMutableRawPointer, count: Int) {
        self.type = type
        self.values = values
        self.count = count
    }

    private mutating func read(_ message: UnsafeRawBufferPointer) throws(RequestError) {
        var fields = ProtobufReader(message)
        let wanted = Self.field(type)
        while fields.next() {
            if fields.number == wanted {
                try read(fields)
            } else if 1...8 ~= fields.number, fields.type != .bytes || !fields.bytes.isEmpty || fields.number == 8 {
                throw otherRefusal(fields.number)
            }
        }
        if fields.isMalformed { throw InferText.malformed("InferTensorContents") }
    }

    /// A piece of the list: packed values, or one.
    private mutating func read(_ field: ProtobufReader) throws(RequestError) {
        switch (type, field.type) {
        case (.fp32, .bytes): try copy(field.bytes, width: 4)
        case (.fp64, .bytes): try copy(field.bytes, width: 8)
        case (.fp32, .fixed32):
            try withUnsafeBytes(of: field.scalar) { piece throws(RequestError) in
                try copy(UnsafeRawBufferPointer(rebasing: piece[..<4]), width: 4)
            }
        case (.fp64, .fixed64):
            try withUnsafeBytes(of: field.scalar) { piece throws(RequestError) in
                try copy(piece, width: 8)
            }
        case (.fp32, _), (.fp64, _): break
        case (_, .bytes):
            var packed = PackedVarints(field.bytes)
            while !packed.isAtEnd {
                guard let value = packed.next() else { throw InferText.malformed("InferTensorContents") }
                try put(value)
            }
        case (_, .varint): try put(field.scalar)
        default: break
        }
    }

    private mutating func copy(_ bytes: UnsafeRawBufferPointer, width: Int) throws(RequestError) {
        guard bytes.count % width == 0 else { throw InferText.malformed("InferTensorContents") }
        guard bytes.count / width <= count - written else { throw countRefusal(orMore: bytes.count / width) }
        guard let base = bytes.baseAddress else { return }
        memcpy(values + written * width, base, bytes.count)
        written += bytes.count / width
    }

    /// An integer as the varint has it: of 32 bits where the field is of these.
    private mutating func put(_ scalar: UInt64) throws(RequestError) {
        guard written < count else { throw countRefusal(orMore: 1) }
        let number: Double
        switch type {
        case .bool: number = scalar == 0 ? 0 : 1
        case .int64: number = Double(Int64(bitPattern: scalar))
        case .uint64: number = Double(scalar)
        case .uint8, .uint16, .uint32:
            let value = Int64(UInt32(truncatingIfNeeded: scalar))
            try checkRange(value)
            number = Double(value)
        default:
            let value = Int64(Int32(truncatingIfNeeded: scalar))
            try checkRange(value)
            number = Double(value)
        }
        values.storeBytes(of: number, toByteOffset: 8 * written, as: Double.self)
        written += 1
    }

    private func checkRange(_ value: Int64) throws(RequestError) {
        guard let range = type.integers, !range.contains(value) else { return }
        throw RequestFields.expected(
            "inputs[0].contents.\(Self.name(Self.field(type)))", "numbers of \(type.name)",
            got: "one that is out of its range")
    }

    // MARK: Names and refusals

    private static func field(_ type: Datatype) -> UInt32 {
        switch type {
        case .bool: 1
        case .int8, .int16, .int32: 2
        case .int64: 3
        case .uint8, .uint16, .uint32: 4
        case .uint64: 5
        case .fp32: 6
        case .fp64: 7
        // No list is for these: refused before one is looked for.
        case .fp16, .bf16: 8
        }
    }

    private static func name(_ field: UInt32) -> String {
        let names = [
            "bool_contents", "int_contents", "int64_contents", "uint_contents", "uint64_contents", "fp32_contents",
            "fp64_contents", "bytes_contents",
        ]
        return names[Int(field) - 1]
    }

    @inline(never)
    private static func binaryOnly(_ type: Datatype) -> RequestError {
        RequestFields.expected(
            "raw_input_contents", "\(type.name) there, as no typed contents can hold it", got: "none")
    }

    @inline(never)
    private func otherRefusal(_ field: UInt32) -> RequestError {
        RequestFields.expected(
            "inputs[0].contents", "\(Self.name(Self.field(type))) alone, as the datatype is \(type.name)",
            got: Self.name(field))
    }

    @inline(never)
    private func countRefusal(orMore extra: Int = 0) -> RequestError {
        RequestFields.expected(
            "inputs[0].contents.\(Self.name(Self.field(type)))", "\(count) values",
            got: extra > 0 ? "more" : "\(written)")
    }
}
