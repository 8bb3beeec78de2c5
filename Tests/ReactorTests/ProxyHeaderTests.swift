import Primitives
import Testing

@testable import Reactor

@Suite struct ProxyHeaderTests {
    private static let v4: [UInt8] =
        ProxyHeader.signature + [0x21, 0x11, 0, 12, 10, 1, 2, 3, 127, 0, 0, 1, 0x30, 0x39, 0x1F, 0x90]
    private static let v6: [UInt8] =
        ProxyHeader.signature + [0x21, 0x21, 0, 36] + [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [7]
        + Array(repeating: 0, count: 16) + [0, 80, 0, 81]

    private func read(_ bytes: [UInt8]) -> ProxyHeader { bytes.withUnsafeBytes { ProxyHeader($0) } }

    @Test func addressesAreRead() {
        #expect(read(Self.v4) == .client(PeerAddress(v4: 0x0A01_0203, port: 12345)))
        #expect(read(Self.v6) == .client(PeerAddress(high: 0x2001_0DB8_0000_0000, low: 7, port: 80)))
    }

    @Test func itNeverAsksForMoreThanTheHeader() {
        for header in [Self.v4, Self.v6] {
            for count in 0..<header.count {
                guard case .incomplete(let missing) = read(Array(header.prefix(count))) else {
                    Issue.record("\(count) bytes are enough?")
                    continue
                }
                #expect(missing > 0 && count + missing <= header.count)
            }
        }
    }

    @Test func extensionsAreSkipped() {
        var bytes = Self.v4 + [4, 0, 2, 9, 9]
        bytes[15] = 17
        #expect(read(bytes) == .client(PeerAddress(v4: 0x0A01_0203, port: 12345)))
    }

    @Test func theProxysOwnAndAddresslessConnectionsKeepTheSocketsAddress() {
        var local = Self.v4
        local[12] = 0x20
        #expect(read(local) == .none)
        for family: UInt8 in [0x00, 0x12, 0x22, 0x31] {
            var other = Self.v4
            other[13] = family
            #expect(read(other) == .none)
        }
    }

    @Test func whatIsNoHeaderIsRefusedAtItsFirstWrongByte() {
        for index in 0..<12 {
            var wrong = Self.v4
            wrong[index] ^= 1
            #expect(read(Array(wrong.prefix(index + 1))) == .invalid)
        }
        for (index, value) in [(12, UInt8(0x11)), (12, 0x22), (12, 0x31), (15, 11), (14, 0xFF)] {
            var wrong = Self.v4
            wrong[index] = value
            #expect(read(wrong) == .invalid, "\(index)")
        }
        #expect(read(Array("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".utf8)) == .invalid)
        #expect(read(Array("GET / HTTP/1.1\r\n".utf8)) == .invalid)
    }

    @Test func networksContainTheirAddresses() {
        let net = PeerNetwork(high: 0, low: 0xFFFF_0A00_0000, bits: 104)
        #expect(
            net.contains(PeerAddress(v4: 0x0AFF_FFFF, port: 1)) && !net.contains(PeerAddress(v4: 0x0B00_0000, port: 1)))
        let wide = PeerNetwork(high: 0x2001_0DB8_0000_0000, low: 0, bits: 32)
        #expect(wide.contains(PeerAddress(high: 0x2001_0DB8_FFFF_0000, low: 9, port: 0)))
        #expect(!wide.contains(PeerAddress(high: 0x2001_0DB9_0000_0000, low: 9, port: 0)))
        #expect(PeerNetwork(high: 0, low: 0, bits: 0).contains(PeerAddress(high: .max, low: .max, port: 0)))
        #expect(!PeerNetwork(high: 1, low: 2, bits: 128).contains(PeerAddress(high: 1, low: 3, port: 0)))
    }
}
