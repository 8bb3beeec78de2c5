// The width of a number as it arrived, or as a model gives it.

/// `float32` is FP32 on the wire, `float64` FP64.
public enum ValueType: UInt8, Sendable, Equatable {
    case float32
    case float64

    /// Bytes of one value.
    @inlinable public var byteCount: Int { self == .float32 ? 4 : 8 }
    /// The Open Inference Protocol's name.
    public var datatype: String { self == .float32 ? "FP32" : "FP64" }
}
