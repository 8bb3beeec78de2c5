// A network in a configuration: `10.0.0.0/8`, `2001:db8::/32`, or one address.

internal import Glibc

public struct AddressNetwork: Sendable, Equatable {
    /// The address' halves as numbers; IPv4 in IPv6's mapped form.
    public let high: UInt64
    public let low: UInt64
    /// Of 128.
    public let bits: Int

    static let expectation = "an address or a network such as 10.0.0.0/8, in digits, with no bit set behind its prefix"

    /// nil: the text is none.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let (high, low, isIPv4) = Self.address(parts[0]) else { return nil }
        let width = isIPv4 ? 32 : 128
        var prefix = width
        if parts.count == 2 {
            guard let number = ScalarText.integer(parts[1]), 0...width ~= number else { return nil }
            prefix = number
        }
        bits = prefix + 128 - width
        let highMask: UInt64 = bits == 0 ? 0 : .max << UInt64(max(0, 64 - bits))
        let lowMask: UInt64 = bits <= 64 ? 0 : .max << UInt64(128 - bits)
        guard high & ~highMask == 0, low & ~lowMask == 0 else { return nil }
        (self.high, self.low) = (high, low)
    }

    private static func address(_ text: String) -> (UInt64, UInt64, isIPv4: Bool)? {
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 { return (0, 0xFFFF << 32 | UInt64(UInt32(bigEndian: v4.s_addr)), true) }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        return withUnsafeBytes(of: &v6) { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)), false
            )
        }
    }
}

extension ConfigurationLoader {
    static let proxiesMax = 64

    static func readProxies(_ value: YAMLValue?) throws(ConfigurationError) -> [AddressNetwork] {
        guard let value else { return [] }
        var networks: [AddressNetwork] = []
        for item in try value.items("a list of networks", countMax: proxiesMax) {
            guard let network = AddressNetwork(try item.text("a network")) else {
                throw item.expected(AddressNetwork.expectation)
            }
            networks.append(network)
        }
        return networks
    }
}
