import Glibc
import Primitives
import Testing

@testable import Reactor

@Suite struct AddressCountsTests {
    private func address(_ text: String) -> PeerAddress {
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { bytes in
            let base = bytes.baseAddress.unsafelyUnwrapped
            let isIPv6 = text.contains(":")
            base.storeBytes(of: sa_family_t(isIPv6 ? AF_INET6 : AF_INET), as: sa_family_t.self)
            base.storeBytes(of: UInt16(8080).bigEndian, toByteOffset: 2, as: UInt16.self)
            #expect(inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, base + (isIPv6 ? 8 : 4)) == 1)
        }
        return PeerAddress(storage)
    }

    private func text(_ address: PeerAddress) -> String {
        var buffer = GrowableBuffer()
        address.write(into: &buffer)
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    @Test(arguments: ["127.0.0.1", "203.0.113.254", "::1", "2001:db8::5:6", "fe80::1"])
    func addressesAreReadAndWritten(digits: String) {
        #expect(text(address(digits)) == digits && address(digits).port == 8080)
        #expect(address(digits).isIPv4 == !digits.contains(":"))
    }

    @Test func anIPv6SiteIsOneClientAndAMappedAddressIsIPv4() {
        #expect(address("2001:db8::1").network == address("2001:db8::ffff:1").network)
        #expect(address("2001:db8::1").network != address("2001:db8:0:1::1").network)
        #expect(address("::ffff:10.0.0.1") == address("10.0.0.1"))
        #expect(address("10.0.0.1").network != address("10.0.0.2").network)
    }

    @Test func whoComesCountsUntilTheyLeave() {
        let counts = AddressCounts(limit: 3)
        let (one, other) = (address("10.0.0.1"), address("10.0.0.2"))
        #expect((0..<5).map { _ in counts.enter(one) } == [0, 1, 2, 3, 4])
        #expect(counts.enter(other) == 0)
        for _ in 0..<5 { counts.leave(one) }
        #expect(counts.enter(one) == 0 && counts.enter(other) == 1)
    }

    /// A thousand busy addresses do not make a new one look busy.
    @Test func aCrowdHardlyTouchesANewcomer() {
        let counts = AddressCounts(limit: 3)
        for index in 0..<1000 {
            for _ in 0..<10 { _ = counts.enter(address("10.1.\(index / 250).\(index % 250)")) }
        }
        let misjudged = (0..<1000).filter { index in
            counts.enter(address("10.2.\(index / 250).\(index % 250)")) >= counts.limit
        }
        #expect(misjudged.count < 20, "about one in a thousand shares both counters")
    }
}
