// The datatypes of the Open Inference Protocol that a feature tensor may have.

internal import Inference
internal import JSON

enum Datatype: UInt8 {
    case fp32, fp64, fp16, bf16, bool
    case int8, int16, int32, int64
    case uint8, uint16, uint32, uint64

    static let supported = "FP32, FP64, FP16, BF16, BOOL, INT8 to INT64 or UINT8 to UINT64"

    @inline(__always)
    init?(_ key: JSONKey) {
        if key == "FP32" {
            self = .fp32
        } else if key == "FP64" {
            self = .fp64
        } else {
            guard let rare = Self.rare(key) else { return nil }
            self = rare
        }
    }

    @inline(never)
    private static func rare(_ key: JSONKey) -> Datatype? {
        if key == "BOOL" { return .bool }
        if key == "INT8" { return .int8 }
        if key == "INT16" { return .int16 }
        if key == "INT32" { return .int32 }
        if key == "INT64" { return .int64 }
        if key == "UINT8" { return .uint8 }
        if key == "UINT16" { return .uint16 }
        if key == "UINT32" { return .uint32 }
        if key == "UINT64" { return .uint64 }
        if key == "FP16" { return .fp16 }
        if key == "BF16" { return .bf16 }
        return nil
    }

    /// For messages: the protocol's name that no feature can have, else nothing of the client's.
    static func unsupportedName(_ key: JSONKey) -> String {
        if key == "BYTES" { return "BYTES" }
        return "an unknown datatype"
    }

    /// Bytes of one value in binary.
    var byteCount: Int {
        switch self {
        case .bool, .int8, .uint8: 1
        case .fp16, .bf16, .int16, .uint16: 2
        case .fp32, .int32, .uint32: 4
        case .fp64, .int64, .uint64: 8
        }
    }

    /// FP32 stays as it is, FP16 and BF16 are exact in it; everything else is exact in a double (integers up to 2^53).
    @inline(__always)
    var valueType: ValueType { self == .fp32 || self == .fp16 || self == .bf16 ? .float32 : .float64 }

    /// FP16 and BF16 come in binary only (in gRPC: in raw contents only).
    @inline(__always)
    var isBinaryOnly: Bool { self == .fp16 || self == .bf16 }

    /// The integers that JSON data may hold; nil for floats.
    var integers: ClosedRange<Int64>? {
        switch self {
        case .fp32, .fp64, .fp16, .bf16: nil
        case .bool: 0...1
        case .int8: -0x80...0x7f
        case .int16: -0x8000...0x7fff
        case .int32: -0x8000_0000...0x7fff_ffff
        case .int64: .min ... .max
        case .uint8: 0...0xff
        case .uint16: 0...0xffff
        case .uint32: 0...0xffff_ffff
        case .uint64: 0 ... .max
        }
    }

    var name: String {
        switch self {
        case .fp32: "FP32"
        case .fp64: "FP64"
        case .fp16: "FP16"
        case .bf16: "BF16"
        case .bool: "BOOL"
        case .int8: "INT8"
        case .int16: "INT16"
        case .int32: "INT32"
        case .int64: "INT64"
        case .uint8: "UINT8"
        case .uint16: "UINT16"
        case .uint32: "UINT32"
        case .uint64: "UINT64"
        }
    }
}
