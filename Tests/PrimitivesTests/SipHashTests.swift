import Testing

@testable import Primitives

@Suite struct SipHashTests {
    /// From the paper's appendix and its authors' vectors: key 00 01 … 0f, input 00 01 … of growing length.
    @Test(
        arguments: [
            (0, 0x726f_db47_dd0e_0e31), (1, 0x74f8_39c5_93dc_67fd), (7, 0xab02_00f5_8b01_d137),
            (8, 0x93f5_f579_9a93_2462),
            (15, 0xa129_ca61_49be_45e5),
        ] as [(Int, UInt64)])
    func publishedVectors(length: Int, expected: UInt64) {
        let hash = SipHash(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
        let bytes = (0..<length).map { UInt8($0) }
        #expect(bytes.withUnsafeBytes { hash.hash($0) } == expected)
    }

    /// The generator's first outputs for the seed 1234567, as its authors' program prints them.
    @Test func splitMixVectors() {
        var random = SplitMix64(seed: 1_234_567)
        #expect(
            [random.next(), random.next(), random.next()] == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ])
    }
}

@Suite struct RequestFieldsTests {
    @Test func aNameKeepsItsNumberAndThereIsRoomForSixteen() {
        let names = FieldNames()
        for index in 0..<FieldNames.limit { #expect(names.number(of: "x-\(index)") == index) }
        #expect(names.number(of: "one-too-many") == nil)
        #expect(names.number(of: "x-3") == 3)
        #expect(names.number(of: "") == nil && names.number(of: String(repeating: "a", count: 64)) == nil)
    }

    @Test func onlyLengthsThatAreAskedForAreLookedUp() {
        let names = FieldNames()
        _ = names.number(of: "serin-key")
        #expect(names.mayAsk(length: 9) && !names.mayAsk(length: 8) && !names.mayAsk(length: 200))
        let (known, other) = (Array("serin-key".utf8), Array("serin-kez".utf8))
        #expect(known.withUnsafeBytes { names.find($0.baseAddress!, 9) } == 0)
        #expect(other.withUnsafeBytes { names.find($0.baseAddress!, 9) } == -1)
    }

    @Test func theFirstValueCountsUntilReset() {
        var values = FieldValues()
        #expect(values.value(3) == nil)
        for text in ["one", "two"] { Array(text.utf8).withUnsafeBytes { values.set(3, $0) } }
        Array("other".utf8).withUnsafeBytes { values.set(0, $0) }
        #expect(values.value(3).map { String(decoding: $0, as: UTF8.self) } == "one")
        #expect(values.value(0).map { String(decoding: $0, as: UTF8.self) } == "other")
        values.reset()
        #expect(values.value(3) == nil && values.value(0) == nil)
    }
}
