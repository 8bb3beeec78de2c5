// Addresses that share their first bits: 10.0.0.0/8 is ::ffff:10.0.0.0/104.

public struct PeerNetwork: Sendable, Equatable {
    public let high: UInt64
    public let low: UInt64
    /// Of 128; IPv4 counts from 96.
    public let bits: Int

    /// `bits` in 0 to 128; the address' others are not looked at.
    public init(high: UInt64, low: UInt64, bits: Int) {
        (self.high, self.low, self.bits) = (high, low, bits)
    }

    public func contains(_ address: PeerAddress) -> Bool {
        let highMask: UInt64 = bits == 0 ? 0 : .max << UInt64(max(0, 64 - bits))
        let lowMask: UInt64 = bits <= 64 ? 0 : .max << UInt64(128 - bits)
        return (address.high ^ high) & highMask == 0 && (address.low ^ low) & lowMask == 0
    }
}
