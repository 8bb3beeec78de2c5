import COpenSSL
import Testing

@testable import TLS

@Suite struct RecordTests {
    /// Payload lengths of the records in ciphertext.
    private func records(_ bytes: [UInt8]) -> [Int] {
        var (lengths, place) = ([Int](), 0)
        while place + 5 <= bytes.count {
            let length = Int(bytes[place + 3]) << 8 | Int(bytes[place + 4])
            lengths.append(length)
            place += 5 + length
        }
        #expect(place == bytes.count)
        return lengths
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func recordsAreFull(version: Int32) throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let client = TestClient(version: version)
        let connection = harness.connect(client)
        harness.seen[0].output = [UInt8](repeating: 7, count: 64_000)
        let written = harness.output(connection)
        let lengths = records(written)
        #expect(lengths.count == 4 && lengths.dropLast().allSatisfy { $0 > 16384 }, "\(lengths)")
        client.give(written)
        client.advance()
        #expect(client.received == [UInt8](repeating: 7, count: 64_000))
        harness.engine.close(connection)
    }

    @Test func littleRoomOnlyTakesLonger() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let (client, connection) = (TestClient(), harness.open())
        client.advance()
        harness.feed(connection, client.takeOutput())
        client.give(harness.output(connection, room: 100))
        harness.pump(client, connection)
        #expect(client.isOpen)
        harness.seen[0].output = [UInt8](repeating: 3, count: 5000)
        client.give(harness.output(connection, room: 200))
        client.advance()
        #expect(client.received.count == 5000)
        harness.engine.close(connection)
    }

    @Test(arguments: [1, 95, 96, 97, 200, 16383, 16384, 16480, 65536])
    func whatIsSealedFits(room: Int) throws {
        let plain = TLSEngine.plainRoom(room)
        #expect(plain <= 0 || plain + (plain + 16383) / 16384 * 96 <= room)
    }

    /// Many small records in one read come up as one piece.
    @Test func recordsOfOneReadAreHandedUpTogether() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let client = TestClient()
        let connection = harness.connect(client)
        let pieces = harness.seen[0].pieces
        for index in 0..<50 { client.send([UInt8(index)]) }
        harness.feed(connection, client.takeOutput())
        #expect(harness.seen[0].input == Array(0..<50) && harness.seen[0].pieces == pieces + 1)
        harness.engine.close(connection)
    }
}
