// Where a connection comes from, in three words.
//
// IPv4 stands in IPv6's mapped form (::ffff:a.b.c.d), so that both are one type and compare as one.

public import Glibc

public struct PeerAddress: Sendable, Equatable {
    /// The address' first and last eight bytes, as numbers.
    public var high: UInt64 = 0
    public var low: UInt64 = 0
    public var port: UInt16 = 0

    private static let mappedPrefix: UInt64 = 0xFFFF

    public init() {}

    public init(high: UInt64, low: UInt64, port: UInt16) {
        (self.high, self.low, self.port) = (high, low, port)
    }

    /// An IPv4 address, its first byte highest.
    public init(v4 address: UInt32, port: UInt16) {
        self.init(high: 0, low: Self.mappedPrefix << 32 | UInt64(address), port: port)
    }

    /// Reads what accept(2) has written; another family than IPv4 or IPv6 leaves zeros.
    public init(_ storage: borrowing sockaddr_storage) {
        let family = storage.ss_family
        withUnsafeBytes(of: storage) { bytes in
            // The port stands at the same place in both; the address behind it, or behind IPv6's flow label.
            port = UInt16(bigEndian: bytes.load(fromByteOffset: 2, as: UInt16.self))
            if family == sa_family_t(AF_INET) {
                low =
                    Self.mappedPrefix << 32 | UInt64(UInt32(bigEndian: bytes.load(fromByteOffset: 4, as: UInt32.self)))
            } else if family == sa_family_t(AF_INET6) {
                high = UInt64(bigEndian: bytes.load(fromByteOffset: 8, as: UInt64.self))
                low = UInt64(bigEndian: bytes.load(fromByteOffset: 16, as: UInt64.self))
            }
        }
    }

    public var isIPv4: Bool { high == 0 && low >> 32 == Self.mappedPrefix }

    /// What one client is taken for: an IPv4 address, or an IPv6 network of 64 bits, which is the least a site gets.
    public var network: UInt64 { isIPv4 ? low : high }

    /// Appends the address in digits, without the port.
    public func write(into buffer: inout GrowableBuffer) {
        var bytes = (high.bigEndian, low.bigEndian)
        buffer.reserve(buffer.count + Int(INET6_ADDRSTRLEN))
        let place = (buffer.pointer + buffer.count).assumingMemoryBound(to: CChar.self)
        withUnsafeBytes(of: &bytes) { address in
            let start = address.baseAddress.unsafelyUnwrapped
            if isIPv4 {
                inet_ntop(AF_INET, start + 12, place, socklen_t(INET6_ADDRSTRLEN))
            } else {
                inet_ntop(AF_INET6, start, place, socklen_t(INET6_ADDRSTRLEN))
            }
        }
        buffer.count += strlen(place)
    }
}

/// Mixes a word so that every bit of it moves every bit of the result (splitmix64's finaliser, Steele et al. 2014).
@inlinable
public func mixed(_ word: UInt64) -> UInt64 {
    var x = word &+ 0x9E37_79B9_7F4A_7C15
    x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
    x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
    return x ^ (x >> 31)
}
