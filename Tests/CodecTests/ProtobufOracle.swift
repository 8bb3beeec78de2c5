// ModelInfer's messages for swift-protobuf, written as its generator would: the oracle of the gateway's own reader.

import SwiftProtobuf

struct OracleParameter: Message, _MessageImplementationBase {
    enum Choice: Equatable, Sendable {
        case bool(Bool)
        case int64(Int64)
        case text(String)
        case double(Double)
        case uint64(UInt64)
    }

    static let protoMessageName = "inference.InferParameter"
    var choice: Choice?
    var unknownFields = UnknownStorage()

    init() {}

    mutating func decodeMessage<D: Decoder>(decoder: inout D) throws {
        while let number = try decoder.nextFieldNumber() {
            switch number {
            case 1: try take({ try $0.decodeSingularBoolField(value: &$1) }, Choice.bool, &decoder)
            case 2: try take({ try $0.decodeSingularInt64Field(value: &$1) }, Choice.int64, &decoder)
            case 3: try take({ try $0.decodeSingularStringField(value: &$1) }, Choice.text, &decoder)
            case 4: try take({ try $0.decodeSingularDoubleField(value: &$1) }, Choice.double, &decoder)
            case 5: try take({ try $0.decodeSingularUInt64Field(value: &$1) }, Choice.uint64, &decoder)
            default: break
            }
        }
    }

    private mutating func take<D: Decoder, Value>(
        _ read: (inout D, inout Value?) throws -> Void, _ make: (Value) -> Choice, _ decoder: inout D
    ) throws {
        var value: Value?
        try read(&decoder, &value)
        if let value { choice = make(value) }
    }

    func traverse<V: Visitor>(visitor: inout V) throws {
        switch choice {
        case .bool(let value): try visitor.visitSingularBoolField(value: value, fieldNumber: 1)
        case .int64(let value): try visitor.visitSingularInt64Field(value: value, fieldNumber: 2)
        case .text(let value): try visitor.visitSingularStringField(value: value, fieldNumber: 3)
        case .double(let value): try visitor.visitSingularDoubleField(value: value, fieldNumber: 4)
        case .uint64(let value): try visitor.visitSingularUInt64Field(value: value, fieldNumber: 5)
        case nil: break
        }
        try unknownFields.traverse(visitor: &visitor)
    }

    static func == (left: OracleParameter, right: OracleParameter) -> Bool { left.equals(right) }

    private func equals(_ other: OracleParameter) -> Bool { choice == other.choice }
}

/// A pair of a `parameters` map, which on the wire is a repeated message: read as one, for swift-protobuf's reader of
/// maps lets a broken pair through and refuses one with a field of another type, which anywhere else is unknown.
struct OracleEntry: Message, _MessageImplementationBase {
    static let protoMessageName = "inference.ParametersEntry"
    var key = ""
    var value: OracleParameter?
    var unknownFields = UnknownStorage()

    init() {}

    mutating func decodeMessage<D: Decoder>(decoder: inout D) throws {
        while let number = try decoder.nextFieldNumber() {
            switch number {
            case 1: try decoder.decodeSingularStringField(value: &key)
            case 2: try decoder.decodeSingularMessageField(value: &value)
            default: break
            }
        }
    }

    func traverse<V: Visitor>(visitor: inout V) throws {
        if !key.isEmpty { try visitor.visitSingularStringField(value: key, fieldNumber: 1) }
        if let value { try visitor.visitSingularMessageField(value: value, fieldNumber: 2) }
        try unknownFields.traverse(visitor: &visitor)
    }

    static func == (left: OracleEntry, right: OracleEntry) -> Bool { left.equals(right) }

    private func equals(_ other: OracleEntry) -> Bool { key == other.key && value == other.value }
}

struct OracleContents: Message, _MessageImplementationBase {
    static let protoMessageName = "inference.InferTensorContents"
    var bools: [Bool] = []
    var ints: [Int32] = []
    var int64s: [Int64] = []
    var uints: [UInt32] = []
    var uint64s: [UInt64] = []
    var floats: [Float] = []
    var doubles: [Double] = []
    var texts: [BytesValue] = []
    var unknownFields = UnknownStorage()

    typealias BytesValue = ProtobufBytes.BaseType

    init() {}

    mutating func decodeMessage<D: Decoder>(decoder: inout D) throws {
        while let number = try decoder.nextFieldNumber() {
            switch number {
            case 1: try decoder.decodeRepeatedBoolField(value: &bools)
            case 2: try decoder.decodeRepeatedInt32Field(value: &ints)
            case 3: try decoder.decodeRepeatedInt64Field(value: &int64s)
            case 4: try decoder.decodeRepeatedUInt32Field(value: &uints)
            case 5: try decoder.decodeRepeatedUInt64Field(value: &uint64s)
            case 6: try decoder.decodeRepeatedFloatField(value: &floats)
            case 7: try decoder.decodeRepeatedDoubleField(value: &doubles)
            case 8: try decoder.decodeRepeatedBytesField(value: &texts)
            default: break
            }
        }
    }

    func traverse<V: Visitor>(visitor: inout V) throws {
        if !bools.isEmpty { try visitor.visitPackedBoolField(value: bools, fieldNumber: 1) }
        if !ints.isEmpty { try visitor.visitPackedInt32Field(value: ints, fieldNumber: 2) }
        if !int64s.isEmpty { try visitor.visitPackedInt64Field(value: int64s, fieldNumber: 3) }
        if !uints.isEmpty { try visitor.visitPackedUInt32Field(value: uints, fieldNumber: 4) }
        if !uint64s.isEmpty { try visitor.visitPackedUInt64Field(value: uint64s, fieldNumber: 5) }
        if !floats.isEmpty { try visitor.visitPackedFloatField(value: floats, fieldNumber: 6) }
        if !doubles.isEmpty { try visitor.visitPackedDoubleField(value: doubles, fieldNumber: 7) }
        if !texts.isEmpty { try visitor.visitRepeatedBytesField(value: texts, fieldNumber: 8) }
        try unknownFields.traverse(visitor: &visitor)
    }

    var isEmpty: Bool {
        bools.isEmpty && ints.isEmpty && int64s.isEmpty && uints.isEmpty && uint64s.isEmpty && floats.isEmpty
            && doubles.isEmpty && texts.isEmpty
    }

    static func == (left: OracleContents, right: OracleContents) -> Bool { left.equals(right) }

    private func equals(_ other: OracleContents) -> Bool {
        bools == other.bools && ints == other.ints && int64s == other.int64s && uints == other.uints
            && uint64s == other.uint64s && floats == other.floats && doubles == other.doubles && texts == other.texts
    }
}

/// InferInputTensor and InferOutputTensor, which have the same fields.
struct OracleTensor: Message, _MessageImplementationBase {
    static let protoMessageName = "inference.ModelInferRequest.InferInputTensor"
    var name = ""
    var datatype = ""
    var shape: [Int64] = []
    var parameters: [OracleEntry] = []
    var contents: OracleContents?
    var unknownFields = UnknownStorage()

    init() {}

    mutating func decodeMessage<D: Decoder>(decoder: inout D) throws {
        while let number = try decoder.nextFieldNumber() {
            switch number {
            case 1: try decoder.decodeSingularStringField(value: &name)
            case 2: try decoder.decodeSingularStringField(value: &datatype)
            case 3: try decoder.decodeRepeatedInt64Field(value: &shape)
            case 4: try decoder.decodeRepeatedMessageField(value: &parameters)
            case 5: try decoder.decodeSingularMessageField(value: &contents)
            default: break
            }
        }
    }

    func traverse<V: Visitor>(visitor: inout V) throws {
        if !name.isEmpty { try visitor.visitSingularStringField(value: name, fieldNumber: 1) }
        if !datatype.isEmpty { try visitor.visitSingularStringField(value: datatype, fieldNumber: 2) }
        if !shape.isEmpty { try visitor.visitPackedInt64Field(value: shape, fieldNumber: 3) }
        if !parameters.isEmpty { try visitor.visitRepeatedMessageField(value: parameters, fieldNumber: 4) }
        if let contents { try visitor.visitSingularMessageField(value: contents, fieldNumber: 5) }
        try unknownFields.traverse(visitor: &visitor)
    }

    static func == (left: OracleTensor, right: OracleTensor) -> Bool { left.equals(right) }

    private func equals(_ other: OracleTensor) -> Bool {
        name == other.name && datatype == other.datatype && shape == other.shape && parameters == other.parameters
            && contents == other.contents
    }
}

struct OracleWish: Message, _MessageImplementationBase {
    static let protoMessageName = "inference.ModelInferRequest.InferRequestedOutputTensor"
    var name = ""
    var parameters: [OracleEntry] = []
    var unknownFields = UnknownStorage()

    init() {}

    mutating func decodeMessage<D: Decoder>(decoder: inout D) throws {
        while let number = try decoder.nextFieldNumber() {
            switch number {
            case 1: try decoder.decodeSingularStringField(value: &name)
            case 2: try decoder.decodeRepeatedMessageField(value: &parameters)
            default: break
            }
        }
    }

    func traverse<V: Visitor>(visitor: inout V) throws {
        if !name.isEmpty { try visitor.visitSingularStringField(value: name, fieldNumber: 1) }
        if !parameters.isEmpty { try visitor.visitRepeatedMessageField(value: parameters, fieldNumber: 2) }
        try unknownFields.traverse(visitor: &visitor)
    }

    static func == (left: OracleWish, right: OracleWish) -> Bool { left.equals(right) }

    private func equals(_ other: OracleWish) -> Bool {
        name == other.name && parameters == other.parameters
    }
}

struct OracleRequest: Message, _MessageImplementationBase {
    static let protoMessageName = "inference.ModelInferRequest"
    var model = ""
    var version = ""
    var id = ""
    var parameters: [OracleEntry] = []
    var inputs: [OracleTensor] = []
    var outputs: [OracleWish] = []
    var raw: [OracleContents.BytesValue] = []
    var unknownFields = UnknownStorage()

    init() {}

    mutating func decodeMessage<D: Decoder>(decoder: inout D) throws {
        while let number = try decoder.nextFieldNumber() {
            switch number {
            case 1: try decoder.decodeSingularStringField(value: &model)
            case 2: try decoder.decodeSingularStringField(value: &version)
            case 3: try decoder.decodeSingularStringField(value: &id)
            case 4: try decoder.decodeRepeatedMessageField(value: &parameters)
            case 5: try decoder.decodeRepeatedMessageField(value: &inputs)
            case 6: try decoder.decodeRepeatedMessageField(value: &outputs)
            case 7: try decoder.decodeRepeatedBytesField(value: &raw)
            default: break
            }
        }
    }

    func traverse<V: Visitor>(visitor: inout V) throws {
        if !model.isEmpty { try visitor.visitSingularStringField(value: model, fieldNumber: 1) }
        if !version.isEmpty { try visitor.visitSingularStringField(value: version, fieldNumber: 2) }
        if !id.isEmpty { try visitor.visitSingularStringField(value: id, fieldNumber: 3) }
        if !parameters.isEmpty { try visitor.visitRepeatedMessageField(value: parameters, fieldNumber: 4) }
        if !inputs.isEmpty { try visitor.visitRepeatedMessageField(value: inputs, fieldNumber: 5) }
        if !outputs.isEmpty { try visitor.visitRepeatedMessageField(value: outputs, fieldNumber: 6) }
        if !raw.isEmpty { try visitor.visitRepeatedBytesField(value: raw, fieldNumber: 7) }
        try unknownFields.traverse(visitor: &visitor)
    }

    static func == (left: OracleRequest, right: OracleRequest) -> Bool { left.equals(right) }

    private func equals(_ other: OracleRequest) -> Bool {
        model == other.model && version == other.version && id == other.id && parameters == other.parameters
            && inputs == other.inputs && outputs == other.outputs && raw == other.raw
    }
}

struct OracleResponse: Message, _MessageImplementationBase {
    static let protoMessageName = "inference.ModelInferResponse"
    var model = ""
    var version = ""
    var id = ""
    var parameters: [OracleEntry] = []
    var outputs: [OracleTensor] = []
    var raw: [OracleContents.BytesValue] = []
    var unknownFields = UnknownStorage()

    init() {}

    mutating func decodeMessage<D: Decoder>(decoder: inout D) throws {
        while let number = try decoder.nextFieldNumber() {
            switch number {
            case 1: try decoder.decodeSingularStringField(value: &model)
            case 2: try decoder.decodeSingularStringField(value: &version)
            case 3: try decoder.decodeSingularStringField(value: &id)
            case 4: try decoder.decodeRepeatedMessageField(value: &parameters)
            case 5: try decoder.decodeRepeatedMessageField(value: &outputs)
            case 6: try decoder.decodeRepeatedBytesField(value: &raw)
            default: break
            }
        }
    }

    func traverse<V: Visitor>(visitor: inout V) throws { try unknownFields.traverse(visitor: &visitor) }

    static func == (left: OracleResponse, right: OracleResponse) -> Bool { left.equals(right) }

    private func equals(_ other: OracleResponse) -> Bool {
        model == other.model && outputs == other.outputs && raw == other.raw
    }
}
