import Testing

@testable import HTTP

@Suite struct HTTP2FrameWalkTests {
    /// Preface and frames of these lengths, type = index.
    private static func bytes(_ lengths: [Int]) -> [UInt8] {
        var bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        for (index, length) in lengths.enumerated() {
            bytes += RawFrames.frame(UInt8(index), flags: 9, stream: 7, [UInt8](repeating: 0xAA, count: length))
        }
        return bytes
    }

    /// What the walk finds in pieces of `size` bytes, and where it is between frames.
    private static func walk(_ bytes: [UInt8], pieces size: Int) -> [HTTP2FrameHeader] {
        var walk = HTTP2FrameWalk()
        var found: [HTTP2FrameHeader] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            Array(bytes[start..<min(start + size, bytes.count)]).withUnsafeBytes { piece in
                var offset = 0
                while true {
                    walk.skip(piece, &offset)
                    if offset == piece.count { break }
                    if let header = walk.next(piece, &offset) { found.append(header) }
                }
            }
        }
        let isAtFrame = walk.isAtFrame
        #expect(isAtFrame)
        return found
    }

    @Test(arguments: [1, 2, 5, 8, 9, 10, 33, 64, 100_000])
    func everyFrameIsFoundInPiecesOfAnySize(size: Int) {
        let lengths = [0, 0, 1, 8, 9, 300, 0, 16384, 5]
        let found = Self.walk(Self.bytes(lengths), pieces: size)
        #expect(found.map(\.length) == lengths)
        #expect(found.map(\.type) == (0..<9).map { UInt8($0) })
        #expect(found.allSatisfy { $0.flags == 9 && $0.stream == 7 })
    }

    @Test func theFirstByteOfAPayloadIsSeenWhereItHasCome() {
        let whole = Self.walk(Self.bytes([3]), pieces: 1000)
        #expect(whole[0].firstByte == 0xAA)
        #expect(Self.walk(Self.bytes([3]), pieces: 33)[0].firstByte == nil)
    }

    @Test func betweenFramesIsOnlyBetweenFrames() {
        var walk = HTTP2FrameWalk()
        let bytes = Self.bytes([4])
        for (index, byte) in bytes.enumerated() {
            let isAtFrame = walk.isAtFrame
            #expect(isAtFrame == (index == 24))
            var offset = 0
            withUnsafeBytes(of: byte) { piece in
                walk.skip(piece, &offset)
                if offset == 0 { _ = walk.next(piece, &offset) }
            }
        }
        let isAtFrame = walk.isAtFrame
        #expect(isAtFrame)
    }
}

enum RawFrames {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    /// Preface, SETTINGS, and the acknowledgement of the server's.
    static let opening = preface + frame(4, stream: 0, []) + frame(4, flags: 1, stream: 0, [])
    static let ping = frame(6, stream: 0, [UInt8](repeating: 0, count: 8))
    /// HPACK, all from the static table: GET / over http.
    static let get: [UInt8] = [0x82, 0x84, 0x86, 0x41, 1, 0x61]

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let count = payload.count
        let head: [UInt8] = [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags]
        return head + withUnsafeBytes(of: stream.bigEndian, Array.init) + payload
    }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> [UInt8] {
        frame(8, stream: stream, withUnsafeBytes(of: increment.bigEndian, Array.init))
    }

    /// Types, streams and payloads of the frames in an output.
    static func parse(_ bytes: [UInt8]) -> [(type: UInt8, stream: UInt32, payload: [UInt8])] {
        var frames: [(type: UInt8, stream: UInt32, payload: [UInt8])] = []
        var rest = bytes[...]
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            let stream = head[5...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append((head[3], stream, Array(rest.dropFirst(9).prefix(count))))
            rest = rest.dropFirst(9 + count)
        }
        return frames
    }
}
