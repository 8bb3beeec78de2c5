// A ModelInferRequest, walked once: where its parts lie.
//
//     model_name 1   model_version 2   id 3   parameters 4   inputs 5   outputs 6   raw_input_contents 7
//
// Fields come in any order and may come again (of a single field the last one counts), so the walk only
// notes. The route is chosen by the two names; then `decode` reads the tensor with that version's codec.

internal import GRPC
public import Inference

public struct ModelInferEnvelope {
    /// The message; `outputs` are read from it again.
    private(set) var message = UnsafeRawBufferPointer(start: nil, count: 0)
    public private(set) var model = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Empty: none is asked for.
    public private(set) var version = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var id = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var input = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var inputCount = 0
    private(set) var outputCount = 0
    private(set) var raw = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var rawCount = 0
    /// `parameters.timeout`, in µs; nil: not given.
    private(set) var timeoutMicros: UInt64?
    /// `parameters.explain` and `parameters.explain_class`; nil: not given.
    private(set) var explain: InferParameter?
    private(set) var explainClass: InferParameter?

    /// Of no message.
    public init() {}

    /// Walks a message; throws where it is not a ModelInferRequest.
    @inline(__always)
    public init(_ message: UnsafeRawBufferPointer) throws(RequestError) {
        self.message = message
        var fields = ProtobufReader(message)
        while fields.next() {
            guard fields.type == .bytes else { continue }
            switch fields.number {
            case 1: model = try InferText.read(fields.bytes, "model_name")
            case 2: version = try InferText.read(fields.bytes, "model_version")
            case 3: id = try InferText.read(fields.bytes, "id")
            case 4: try readParameter(fields.bytes)
            case 5:
                input = fields.bytes
                inputCount += 1
            case 6: outputCount += 1
            case 7:
                raw = fields.bytes
                rawCount += 1
            default: break
            }
        }
        if fields.isMalformed { throw InferText.malformed("ModelInferRequest") }
    }

    @inline(never)
    private mutating func readParameter(_ entry: UnsafeRawBufferPointer) throws(RequestError) {
        let parameter = try InferParameter(entry, "parameters")
        if parameter.isNamed("timeout") {
            timeoutMicros = try parameter.wholeNumber("parameters.timeout")
        } else if parameter.isNamed("priority") {
            _ = try parameter.wholeNumber("parameters.priority")
        } else if parameter.isNamed("explain") {
            explain = parameter
        } else if parameter.isNamed("explain_class") {
            explainClass = parameter
        }
    }
}

/// The strings of a message.
enum InferText {
    /// The bytes, if they are UTF-8.
    @inline(__always)
    static func read(
        _ bytes: UnsafeRawBufferPointer, _ field: StaticString
    ) throws(RequestError) -> UnsafeRawBufferPointer {
        guard UTF8Text.isValid(bytes) else { throw notUTF8(field) }
        return bytes
    }

    @inline(__always)
    static func equals(_ bytes: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
        guard bytes.count == literal.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count where bytes[index] != literal.utf8Start[index] { return false }
        return true
    }

    @inline(never)
    static func notUTF8(_ field: StaticString) -> RequestError {
        RequestFields.expected("\(field)", "UTF-8", got: "other bytes")
    }

    @inline(never)
    static func malformed(_ message: StaticString) -> RequestError {
        .badRequest("malformed protobuf: the bytes are no \(message)")
    }
}

/// One pair of a `parameters` map: `key = 1`, `value = 2: InferParameter`.
struct InferParameter {
    private enum Choice {
        case none, double
        case bool(Bool)
        case integer(Int64)
        case unsigned(UInt64)
        case text(UnsafeRawBufferPointer)
    }

    private(set) var key = UnsafeRawBufferPointer(start: nil, count: 0)
    private var choice = Choice.none

    init(_ entry: UnsafeRawBufferPointer, _ field: StaticString) throws(RequestError) {
        var fields = ProtobufReader(entry)
        while fields.next() {
            guard fields.type == .bytes else { continue }
            switch fields.number {
            case 1: key = try InferText.read(fields.bytes, field)
            case 2: try readValue(fields.bytes, field)
            default: break
            }
        }
        if fields.isMalformed { throw InferText.malformed("InferParameter") }
    }

    private mutating func readValue(_ message: UnsafeRawBufferPointer, _ field: StaticString) throws(RequestError) {
        var fields = ProtobufReader(message)
        while fields.next() {
            switch (fields.number, fields.type) {
            case (1, .varint): choice = .bool(fields.scalar != 0)
            case (2, .varint): choice = .integer(Int64(bitPattern: fields.scalar))
            case (3, .bytes):
                choice = .text(try InferText.read(fields.bytes, field))
            case (4, .fixed64): choice = .double
            case (5, .varint): choice = .unsigned(fields.scalar)
            default: break
            }
        }
        if fields.isMalformed { throw InferText.malformed("InferParameter") }
    }

    func isNamed(_ name: StaticString) -> Bool { InferText.equals(key, name) }

    var flag: Bool? { if case .bool(let flag) = choice { flag } else { nil } }

    var text: UnsafeRawBufferPointer? { if case .text(let bytes) = choice { bytes } else { nil } }

    /// A whole number from 0; nil: it is something else.
    var count: UInt64? {
        switch choice {
        case .integer(let value) where value >= 0: UInt64(value)
        case .unsigned(let value): value
        default: nil
        }
    }

    func wholeNumber(_ field: StaticString) throws(RequestError) -> UInt64 {
        if let count { return count }
        switch choice {
        case .none: throw RequestFields.expected("\(field)", "int64_param or uint64_param from 0", got: "no value")
        default: throw RequestFields.expected("\(field)", "int64_param or uint64_param from 0", got: "another value")
        }
    }

    /// Triton's shared memory, which this server does not have.
    func refuseSharedMemory(_ field: String) throws(RequestError) {
        if isNamed("shared_memory_region") || isNamed("shared_memory_byte_size") || isNamed("shared_memory_offset") {
            throw .badRequest("\(field).parameters.shared_memory_region: shared memory is not supported")
        }
    }
}
