import CKernels
import Testing

@testable import Monitoring

@Suite struct PredictionIDTests {
    private let keys = PredictionKeys([Labelled.key(1), Labelled.key(2, 9)])

    @Test func whatWasPutInIsRead() throws {
        let text = Labelled.id(Labelled.stamp(), [12.34, 2, 1])
        let facts = try #require(PredictionFacts(text, keys))
        #expect(facts.number.millis == 1_763_755_200_123 && facts.row == 3 && facts.decision == 1)
        #expect(facts.number.high & 0xffff == 0x1234 && facts.number.low == 0x5678_9abc)
        #expect(facts.identity == Labelled.subject().identity)
        #expect(facts.score == 0.75 && facts.amount == 12.34 && facts.groups == [2, 1])
        #expect(facts.arm == 0 && facts.armName.isEmpty && !facts.isFallback)
    }

    @Test(arguments: [true, false])
    func floatsStayFloats(isDouble: Bool) throws {
        let score = isDouble ? 0.1 : Double(Float(0.1))
        let text = Labelled.id(
            Labelled.stamp(), [12.34, 3, .nan], score: score, isDouble: isDouble, isFallback: true, singles: !isDouble)
        let facts = try #require(PredictionFacts(text, keys))
        #expect(facts.score == score && facts.amount == (isDouble ? 12.34 : Double(Float(12.34))))
        #expect(facts.groups == [3, PredictionStamp.missing] && facts.isFallback)
    }

    @Test func namesOfArmsAndOddValues() throws {
        let long = String(repeating: "b", count: 100)
        let text = Labelled.id(Labelled.stamp(), [.nan, 7, 0.5], arm: nil, armName: long)
        let facts = try #require(PredictionFacts(text, keys))
        #expect(facts.arm == nil && facts.armName == String(long.prefix(PredictionStamp.armNameMax)))
        #expect(facts.amount == nil && facts.groups == [PredictionStamp.other, PredictionStamp.other])
        let plain = Labelled.id(Labelled.stamp(amount: false, groups: false), [1], isDouble: false, row: nil)
        #expect(plain.count == 40, "what the file says")
        let none = try #require(PredictionFacts(plain, keys))
        #expect(none.amount == nil && none.groups.isEmpty)
    }

    /// The row of many and what is beyond a byte take more; all ids of an answer are as long.
    @Test(arguments: [
        (nil, 255, false, -1), (0, 0, false, 0), (255, 255, false, 0), (0, 0, true, 2), (65_535, 65_535, true, 2),
    ])
    func rowsAndDecisionsOfAnySize(row: Int?, decision: Int, isWide: Bool, more: Int) throws {
        let text = Labelled.id(
            Labelled.stamp(amount: false, groups: false), [1], isDouble: false, arm: nil, armName: "b", row: row,
            isWide: isWide, decision: decision)
        let facts = try #require(PredictionFacts(text, keys))
        #expect(facts.row == row ?? 0 && facts.decision == decision && facts.armName == "b" && facts.score == 0.75)
        #expect(text.count == Base64URL.textBytes(32 + more))
    }

    @Test func numbersAreRead() {
        let number = RequestNumber(millis: 5, own: 0xabcd_0000_0001_ffff)
        #expect(number.millis == 5 && number.text == "000000000005abcd00000001")
    }

    @Test func eachBitCounts() {
        let text = Labelled.id(Labelled.stamp(), [12.34, 2, 1], arm: nil, armName: "b")
        #expect(PredictionFacts(text, keys) != nil)
        for index in text.indices {
            for bit in 0..<8 {
                var changed = text
                changed[index] ^= 1 << UInt8(bit)
                #expect(PredictionFacts(changed, keys) == nil, "byte \(index), bit \(bit)")
            }
        }
        for count in 0..<text.count { #expect(PredictionFacts(text[..<count], keys) == nil) }
        #expect(PredictionFacts(text + [0x41], keys) == nil)
    }

    @Test func keysAreFollowedByOthers() {
        let old = Labelled.id(Labelled.stamp(Labelled.key(1)), [1, 0, 0])
        let new = Labelled.id(Labelled.stamp(Labelled.key(2, 9)), [1, 0, 0])
        #expect(keys.newest == Labelled.key(2, 9))
        #expect(PredictionFacts(old, keys) != nil && PredictionFacts(new, keys) != nil)
        let later = PredictionKeys([Labelled.key(2, 9), Labelled.key(3, 4)])
        #expect(PredictionFacts(old, later) == nil && PredictionFacts(new, later) != nil)
        // The number is taken again by another key.
        #expect(PredictionFacts(old, PredictionKeys([Labelled.key(1, 8)])) == nil)
        #expect(PredictionKey(number: 0, bytes: [1, 2]) == nil)
    }

    @Test func textOfBytes() {
        for count in 0..<80 {
            let bytes = (0..<count + Base64URL.margin).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
            for write in [serin_base64url, serin_base64url_scalar] {
                var text = [UInt8](repeating: 0, count: 120 + Base64URL.margin)
                let written = write(bytes, count, &text)
                #expect(written == Base64URL.textBytes(count))
                #expect(Base64URL.read(text[..<written]) == Array(bytes[..<count]))
            }
        }
        #expect(Base64URL.read(Array("-_-_".utf8)) == [0xfb, 0xff, 0xbf])
        for wrong in ["A", "AB=", "A+", "AB\n", "AR"] { #expect(Base64URL.read(Array(wrong.utf8)) == nil, "\(wrong)") }
    }

    @Test func instants() {
        func millis(_ text: String) -> Int64? { Instant.millis(Array(text.utf8)) }
        #expect(millis("1970-01-01T00:00:00Z") == 0 && millis("2000-02-29T12:30:15.250Z") == 951_827_415_250)
        #expect(millis("2026-01-31T09:00:00+02:00") == 1_769_842_800_000)
        #expect(millis("2026-01-31T09:00:00.5-00:30") == 1_769_851_800_500)
        #expect(millis("1969-12-31T23:59:59.999Z") == -1)
        for wrong in [
            "", "2026", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T09:00:00",
            "2026-01-31T09:00:00.Z", "2026-01-31T09:00:00Zx", "2026-01-31", "２026-01-31T09:00:00Z",
        ] { #expect(millis(wrong) == nil, "\(wrong)") }
    }
}
