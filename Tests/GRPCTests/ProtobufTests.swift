import Testing

@testable import GRPC

/// Every field of a message as `number:type:value`; nil: it is malformed.
private func fields(_ message: [UInt8]) -> [String]? {
    message.withUnsafeBytes { bytes in
        var reader = ProtobufReader(bytes)
        var found: [String] = []
        while reader.next() {
            let value = reader.type == .bytes ? "\(Array(reader.bytes))" : "\(reader.scalar)"
            found.append("\(reader.number):\(reader.type):\(value)")
        }
        return reader.isMalformed ? nil : found
    }
}

@Suite struct ProtobufTests {
    @Test(
        arguments: [
            ([], []),
            ([0x08, 0x96, 0x01], ["1:varint:150"]),
            ([0x0a, 0x02, 7, 8], ["1:bytes:[7, 8]"]),
            ([0x0a, 0x00, 0x10, 0x00], ["1:bytes:[]", "2:varint:0"]),
            ([0x0d, 1, 0, 0, 0], ["1:fixed32:1"]),
            ([0x09, 2, 0, 0, 0, 0, 0, 0, 0], ["1:fixed64:2"]),
            // Field 536870911, the largest there is.
            ([0xf8, 0xff, 0xff, 0xff, 0x0f, 0x01], ["536870911:varint:1"]),
            // All 64 bits, and a tenth byte with more than its one.
            ([0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], ["1:varint:18446744073709551615"]),
            // A varint longer than it need be.
            ([0x08, 0x81, 0x80, 0x00], ["1:varint:1"]),
            // A group, with a group in it, is passed over.
            ([0x0b, 0x08, 0x01, 0x13, 0x12, 0x01, 0x00, 0x14, 0x0c, 0x18, 0x05], ["3:varint:5"]),
        ] as [([UInt8], [String])])
    func wellFormed(message: [UInt8], found: [String]) {
        #expect(fields(message) == found)
    }

    @Test(
        arguments: [
            [0x08],  // no value
            [0x08, 0x80],  // a varint that does not end
            [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],  // eleven bytes
            [0x0a, 0x01],  // shorter than its length
            [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],  // 4 GiB
            [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],  // 16 EiB
            [0x0d, 1, 2, 3], [0x09, 1, 2, 3, 4, 5, 6, 7],
            [0x00, 0x00],  // field 0
            [0x0c],  // the end of no group
            [0x0b, 0x14],  // of another group
            [0x0b, 0x08, 0x01],  // a group that does not end
            [0x0e], [0x0f],  // types 6 and 7
            [0x80, 0x80, 0x80, 0x80, 0x10, 0x00],  // a tag above 32 bits
        ] as [[UInt8]])
    func malformed(message: [UInt8]) {
        #expect(fields(message) == nil)
    }

    @Test func groupsNestToADepth() {
        func nested(_ depth: Int) -> [UInt8] {
            [UInt8](repeating: 0x0b, count: depth) + [UInt8](repeating: 0x0c, count: depth)
        }
        #expect(fields(nested(100)) == [])
        #expect(fields(nested(101)) == nil)
        #expect(fields(nested(100_000)) == nil)
    }

    @Test(arguments: [0, 1, 127, 128, 16383, 16384, UInt64(UInt32.max), .max])
    func varintsComeBack(value: UInt64) {
        var bytes = [UInt8](repeating: 0, count: Protobuf.varintBytesMax)
        let count = bytes.withUnsafeMutableBytes { Protobuf.write(varint: value, to: $0.baseAddress!) }
        #expect(count == Protobuf.byteCount(varint: value))
        bytes[..<count].withUnsafeBytes { place in
            var packed = PackedVarints(place)
            #expect(packed.next() == value && packed.isAtEnd && packed.next() == nil)
        }
    }

    @Test func whatIsWrittenComesBack() {
        var writer = ProtobufWriter()
        writer.field(1, "ü")
        writer.field(2, 0 as UInt64)
        writer.field(2, "")
        writer.field(3, -1 as Int64)
        writer.element(4, "")
        writer.message(5) { $0.field(1, true) }
        writer.packed(6, [1, 300])
        #expect(
            fields(writer.bytes) == [
                "1:bytes:[195, 188]", "3:varint:18446744073709551615", "4:bytes:[]", "5:bytes:[8, 1]",
                "6:bytes:[1, 172, 2]",
            ])
    }

    @Test(arguments: [
        ("", true), ("abc", true), ("ü€𝄞", true), ("\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10ffff}", true),
    ])
    func text(text: String, isValid: Bool) {
        #expect(Array(text.utf8).withUnsafeBytes { UTF8Text.isValid($0) } == isValid)
    }

    @Test func utf8AgreesWithTheStandardLibrary() {
        // Every sequence of up to three bytes that begins outside ASCII, and those of four by their edges.
        let edges: [UInt8] = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
        var wrong = 0
        for lead in UInt8(0x80)...0xff {
            for second in UInt8.min...UInt8.max {
                for third in edges {
                    for tail in [[], [third], [third, 0x80], [third, 0xbf, 0x41]] as [[UInt8]] {
                        let bytes = [lead, second] + tail
                        let ours = bytes.withUnsafeBytes { UTF8Text.isValid($0) }
                        if ours != (String(validating: bytes, as: UTF8.self) != nil) { wrong += 1 }
                    }
                }
            }
        }
        #expect(wrong == 0)
    }
}
