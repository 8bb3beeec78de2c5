// The PROXY protocol, version 2: for whom a load balancer has opened a connection.
//
//     signature 12 │ version 2, command │ family, transport │ length 16 │ addresses and ports │ what is skipped
//
// Source: Willy Tarreau, "The PROXY protocol", sections 2.2 and 2.2.1 (haproxy, doc/proxy-protocol.txt). Version 1,
// which is text, is refused: an HTTP client could write it.

public import Primitives

public enum ProxyHeader: Equatable {
    /// So many bytes more are needed to go on.
    case incomplete(Int)
    /// The connection is this client's.
    case client(PeerAddress)
    /// The proxy's own (a health check), or from somewhere that has no address: the socket's counts.
    case none
    case invalid

    static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    static let fixedBytes = 16
    /// Of the whole header; addresses take 36, the rest are TLVs such as a name and a certificate's.
    public static let bytesMax = 4096

    /// Reads the bytes that have come; never asks for more than the header's own.
    public init(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.prefix(12).elementsEqual(Self.signature.prefix(bytes.count)) else {
            self = .invalid
            return
        }
        guard bytes.count >= Self.fixedBytes else {
            self = .incomplete(Self.fixedBytes - bytes.count)
            return
        }
        let length = Int(Self.word(bytes, 14))
        guard bytes[12] >> 4 == 2, bytes[12] & 15 <= 1, Self.fixedBytes + length <= Self.bytesMax else {
            self = .invalid
            return
        }
        guard bytes.count >= Self.fixedBytes + length else {
            self = .incomplete(Self.fixedBytes + length - bytes.count)
            return
        }
        self = bytes[12] & 15 == 0 ? .none : Self.client(bytes, length)
    }

    /// The source address of TCP over IPv4 or IPv6.
    private static func client(_ bytes: UnsafeRawBufferPointer, _ length: Int) -> ProxyHeader {
        switch bytes[13] {
        case 0x11:
            guard length >= 12 else { return .invalid }
            let address = bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self).bigEndian
            return .client(PeerAddress(v4: address, port: word(bytes, 24)))
        case 0x21:
            guard length >= 36 else { return .invalid }
            let high = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self).bigEndian
            let low = bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self).bigEndian
            return .client(PeerAddress(high: high, low: low, port: word(bytes, 48)))
        default: return .none
        }
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt16 {
        bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self).bigEndian
    }
}
