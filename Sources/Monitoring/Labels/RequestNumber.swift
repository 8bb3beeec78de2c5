// What names a request: in its rows' prediction ids, with their labels and in the decision log.

/// 48 bits of milliseconds since 1970, and 48 that no other request of that millisecond has; in the order of time.
public struct RequestNumber: Sendable, Equatable {
    /// The milliseconds, and the first 16 of the others.
    public var high: UInt64
    public var low: UInt32

    @inlinable
    public init(high: UInt64, low: UInt32) { (self.high, self.low) = (high, low) }

    /// - Parameter own: the highest 48 bits count.
    @inlinable
    public init(millis: UInt64, own: UInt64) {
        self.init(high: millis << 16 | own >> 48, low: UInt32(truncatingIfNeeded: own >> 16))
    }

    /// Milliseconds since 1970.
    @inlinable
    public var millis: Int64 { Int64(high >> 16) }

    /// 24 hexadecimal digits.
    public var text: String {
        let (first, last) = (String(high, radix: 16), String(low, radix: 16))
        return String(repeating: "0", count: 16 - first.count) + first + String(repeating: "0", count: 8 - last.count)
            + last
    }
}
