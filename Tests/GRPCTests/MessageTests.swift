import Primitives
import Testing

@testable import GRPC

@Suite struct MessageTests {
    private func only(_ body: [UInt8], limit: Int = 100) -> Result<(Int, Bool), GRPCStatus> {
        body.withUnsafeBytes { bytes in
            do throws(GRPCStatus) {
                let frame = try MessageFrame.only(in: bytes, limit: limit)
                return .success((frame.message.count, frame.isCompressed))
            } catch {
                return .failure(error)
            }
        }
    }

    @Test func aMessageIsTakenOutOfItsFrame() throws {
        #expect(try only([0, 0, 0, 0, 0]).get() == (0, false))
        #expect(try only([1, 0, 0, 0, 2, 7, 8]).get() == (2, true))
        #expect(try only([0, 0, 0, 0, 100] + [UInt8](repeating: 1, count: 100)).get() == (100, false))
    }

    @Test(
        arguments: [
            ([], .unimplemented), ([0], .internal), ([0, 0, 0, 0], .internal),
            ([0, 0, 0, 0, 2, 7], .internal),  // shorter than its prefix
            ([0, 0, 0, 0, 1, 7, 8], .unimplemented),  // longer
            ([0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 1, 7], .unimplemented),  // two
            ([2, 0, 0, 0, 0], .internal), ([255, 0, 0, 0, 0], .internal),
            ([0, 255, 255, 255, 255], .resourceExhausted), ([0, 0, 0, 0, 101], .resourceExhausted),
        ] as [([UInt8], GRPCStatus.Code)])
    func brokenFrames(body: [UInt8], code: GRPCStatus.Code) {
        guard case .failure(let status) = only(body) else {
            Issue.record("\(body) was taken")
            return
        }
        #expect(status.code == code && !status.message.isEmpty)
    }

    @Test func messagesComeOneAfterTheOther() throws {
        let body: [UInt8] = [0, 0, 0, 0, 1, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1]
        try body.withUnsafeBytes { bytes in
            let first = try #require(try MessageFrame.first(in: bytes, limit: 10))
            #expect(Array(first.message) == [9])
            let rest = UnsafeRawBufferPointer(rebasing: bytes[6...])
            #expect(try MessageFrame.first(in: rest, limit: 10)?.isCompressed == true)
            #expect(try MessageFrame.first(in: UnsafeRawBufferPointer(rebasing: bytes[11...]), limit: 10) == nil)
        }
    }

    // MARK: gzip

    private func gzip(_ message: [UInt8], _ compression: MessageCompression) -> [UInt8] {
        var out = GrowableBuffer()
        #expect(message.withUnsafeBytes { compression.deflate($0, into: &out) })
        return Array(out.bytes)
    }

    private func inflate(
        _ bytes: [UInt8], _ compression: MessageCompression, limit: Int = 1 << 20
    ) -> Result<[UInt8], GRPCStatus> {
        bytes.withUnsafeBytes { bytes in
            do throws(GRPCStatus) { return .success(Array(try compression.inflate(bytes, limit: limit))) } catch {
                return .failure(error)
            }
        }
    }

    @Test(arguments: [0, 1, 100, 65536, 1 << 20])
    func gzipGoesBothWays(count: Int) throws {
        let compression = MessageCompression()
        let message = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
        for _ in 0..<3 { #expect(try inflate(gzip(message, compression), compression).get() == message) }
    }

    @Test func aMessageInflatesNoFurtherThanTheLimit() {
        let compression = MessageCompression()
        let bomb = gzip([UInt8](repeating: 0, count: 10 << 20), compression)
        #expect(bomb.count < 64 << 10)
        #expect(throws: GRPCStatus(.resourceExhausted, "the message is larger than 1048576 bytes")) {
            try inflate(bomb, compression).get()
        }
        #expect(throws: GRPCStatus.self) { try inflate(gzip([1, 2, 3, 4], compression), compression, limit: 3).get() }
        #expect((try? inflate(gzip([1, 2, 3], compression), compression, limit: 3).get()) == [1, 2, 3])
    }

    @Test func damagedGzipIsRefused() {
        let compression = MessageCompression()
        let whole = gzip(Array("a message that is not so short".utf8), compression)
        var damaged = [whole.dropLast(), whole + [0], whole + whole, [], [1, 2, 3]].map { Array($0) }
        for index in [0, 3, 12, whole.count - 5] {
            var bent = whole
            bent[index] ^= 0xff
            damaged.append(bent)
        }
        for bytes in damaged {
            guard case .failure(let status) = inflate(bytes, compression) else {
                Issue.record("\(bytes) was inflated")
                continue
            }
            #expect(status.code == .internal)
        }
        #expect((try? inflate(whole, compression).get())?.count == 30)
    }
}
