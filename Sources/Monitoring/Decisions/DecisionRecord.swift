// One row of an answered request on its way to the log: plain bytes in a reactor's ring.
//
//     | DecisionHead | values: features × 4 or 8 | scores: columns × 4 or 8 |

internal import Glibc

/// What stands in front of a record's values.
public struct DecisionHead {
    /// Of the version: `DecisionSchema.serial`.
    public var schema: UInt64
    /// Of the gateway's clock, when it was answered.
    public var nanos: UInt64
    /// From the request's first byte to its answer.
    public var latencyNanos: UInt64
    /// Of the request; its rows share it.
    public var id: RequestNumber
    public var row: UInt32
    /// The label that a constant says; -1: what the score says.
    public var fixedLabel: Int32
    public var isDouble: Bool
    public var isFallback: Bool
    /// The arm's name, cut to fit.
    public var armCount: UInt8
    public var arm: InlineArray<29, UInt8>

    public init(
        schema: UInt64, nanos: UInt64, latencyNanos: UInt64, id: RequestNumber, isDouble: Bool, isFallback: Bool,
        fixedLabel: Int, arm name: UnsafeRawBufferPointer
    ) {
        (self.schema, self.nanos, self.latencyNanos, self.id) = (schema, nanos, latencyNanos, id)
        (self.isDouble, self.isFallback, self.fixedLabel) = (
            isDouble, isFallback, Int32(truncatingIfNeeded: fixedLabel)
        )
        row = 0
        arm = .init(repeating: 0)
        armCount = UInt8(min(name.count, 29))
        for index in 0..<Int(armCount) { arm[index] = name[index] }
    }

    /// Bytes of a record.
    @inlinable
    public static func size(valueBytes: Int, scoreBytes: Int) -> Int {
        MemoryLayout<DecisionHead>.stride + (valueBytes + 7) & ~7 + scoreBytes
    }

    /// Writes a record at a place of that size.
    public func write(
        to place: UnsafeMutableRawPointer, values: UnsafeRawBufferPointer, scores: UnsafeRawBufferPointer
    ) {
        place.storeBytes(of: self, as: DecisionHead.self)
        let valuesAt = place + MemoryLayout<DecisionHead>.stride
        if let base = values.baseAddress { memcpy(valuesAt, base, values.count) }
        if let base = scores.baseAddress { memcpy(valuesAt + (values.count + 7) & ~7, base, scores.count) }
    }
}
