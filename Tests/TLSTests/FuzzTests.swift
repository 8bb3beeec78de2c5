import COpenSSL
import FuzzSupport
import Testing

@testable import TLS

/// Real handshakes with a few bytes of the client's changed, left out or doubled: nothing of it may end the
/// process, be taken for a connection of somebody who did not authenticate, or leave memory behind.
@Suite struct FuzzTests {
    @Test func mutatedHandshakesAreRefusedOrSucceed() throws {
        var fuzz = FuzzRounds(40)
        var random = SplitMix(seed: fuzz.seed)
        let harness = try TLSHarness(Certificates.mutual())
        var (rounds, failed) = (0, 0)
        while fuzz.next() {
            let client = TestClient("client", version: rounds % 2 == 0 ? TLS1_3_VERSION : TLS1_2_VERSION)
            let connection = harness.open()
            let unlucky = Int.random(in: 0..<3, using: &random)
            client.advance()
            for flight in 0..<4 {
                var bytes = client.takeOutput()
                if flight == unlucky { mutate(&bytes, &random) }
                harness.feed(connection, bytes, piece: Int.random(in: 1...2000, using: &random))
                client.give(harness.output(connection))
                client.advance()
            }
            for seen in harness.seen where !seen.isClosed { #expect(seen.identity == "spiffe://serin.test/payments") }
            harness.feedEnd(connection)
            _ = harness.output(connection)
            if client.failed { failed += 1 }
            harness.engine.close(connection)
            rounds += 1
        }
        #expect(rounds > 5 && failed > 0)
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        guard !bytes.isEmpty else { return }
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.remove(at: place)
            default: bytes.insert(contentsOf: bytes[place...].prefix(40), at: place)
            }
            if bytes.isEmpty { return }
        }
    }
}
