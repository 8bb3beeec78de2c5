import Testing

@testable import ModelFormat

@Suite struct UBJSONReaderTests {
    /// Text where it is text, and numbers as big-endian bytes.
    private func length(_ count: Int64) -> [UInt8] {
        [UInt8(ascii: "L")] + withUnsafeBytes(of: count.bigEndian) { Array($0) }
    }
    private func key(_ text: String) -> [UInt8] { length(Int64(text.utf8.count)) + Array(text.utf8) }
    private func object(_ name: String, _ value: [UInt8]) -> [UInt8] {
        Array("{".utf8) + key(name) + value + Array("}".utf8)
    }

    private func member(_ value: [UInt8]) throws -> ModelField {
        try ModelField(value: UBJSONReader.read(object("k", value)), place: "").member("k")
    }

    @Test func scalarsAreRead() throws {
        #expect(try member(Array("S".utf8) + key("héllo")).string() == "héllo")
        #expect(try member([UInt8(ascii: "i"), 0xFF]).integer(-5...5) == -1)
        #expect(try member([UInt8(ascii: "U"), 0xFF]).integer(0...300) == 255)
        #expect(try member([UInt8(ascii: "I"), 0x80, 0x00]).integer(-40_000...0) == -32_768)
        #expect(try member([UInt8(ascii: "l"), 0, 1, 0, 0]).integer(0...100_000) == 65_536)
    }

    @Test func arraysOfEveryKindAreRead() throws {
        let typed = Array("[$l#".utf8) + length(2) + [0, 0, 0, 7, 0xFF, 0xFF, 0xFF, 0xFF]
        #expect(try member(typed).integers(count: 2) == [7, -1])
        let floats = Array("[$d#".utf8) + length(1) + [0x3F, 0x80, 0, 0]
        #expect(try member(floats).floats(count: 1) == [1])
        let counted =
            Array("[#".utf8) + length(3) + Array("i".utf8) + [1] + Array("U".utf8) + [200] + Array("I".utf8) + [1, 0]
        #expect(try member(counted).integers() == [1, 200, 256])
        let open = Array("[i".utf8) + [5] + Array("d".utf8) + [0x3F, 0, 0, 0] + Array("]".utf8)
        #expect(try member(open).floats() == [5, 0.5])
    }

    @Test func announcedElementsMustBeThere() {
        for array in [
            Array("[$l#".utf8) + length(1 << 40), Array("[$U#".utf8) + length(.max), Array("[#".utf8) + length(1 << 50),
            Array("[$d#".utf8) + length(-1), Array("S".utf8) + length(1 << 60), Array("[$Z#".utf8) + length(1 << 40),
        ] {
            let error = #expect(throws: ModelFormatError.self) { try member(array) }
            #expect(error?.place.hasPrefix("byte ") == true)
        }
    }

    @Test func nestingEndsSomewhere() {
        let error = #expect(throws: ModelFormatError.self) {
            try UBJSONReader.read([UInt8](repeating: UInt8(ascii: "["), count: 1_000_000))
        }
        #expect(error?.message.contains("nested") == true)
    }

    @Test func everyCutIsNoticed() {
        let file = object("key", Array("[#".utf8) + length(2) + Array("i".utf8) + [1] + Array("S".utf8) + key("x"))
        #expect(throws: Never.self) { try UBJSONReader.read(file) }
        for end in file.indices {
            #expect(throws: ModelFormatError.self) { try UBJSONReader.read(Array(file[..<end])) }
        }
        #expect(throws: ModelFormatError.self) { try UBJSONReader.read(file + [0]) }
    }

    @Test func keysStandOnceAndAreUTF8() {
        let twice = Array("{".utf8) + key("a") + Array("T".utf8) + key("a") + Array("F}".utf8)
        #expect(throws: ModelFormatError.self) { try UBJSONReader.read(twice) }
        #expect(throws: ModelFormatError.self) {
            try UBJSONReader.read(Array("{".utf8) + length(1) + [0xFF] + Array("T}".utf8))
        }
    }
}
