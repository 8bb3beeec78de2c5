// The bounds in front of Yams, and scalars in their own types.

import Configuration
import Testing

@Suite struct YAMLTests {
    func error(_ yaml: [UInt8]) -> String? {
        let error = #expect(throws: ConfigurationError.self) { _ = try YAMLDocument.parse(yaml, source: "f") }
        return error?.description
    }

    /// Nine levels of nine aliases as a mapping's key: 387 million nodes to hash, were it let through.
    @Test(.timeLimit(.minutes(1)))
    func aliasBombIsRefusedAtOnce() {
        var yaml = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        for level in 1...9 {
            yaml +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",") + "]\n"
        }
        yaml += "? *a9\n: 1\n"
        #expect(error(Array(yaml.utf8)) == "f:2: YAML anchors and aliases are not supported; write the values out")
    }

    /// Comments may be full of stars; text that only looks like a comment may not hide aliases.
    @Test func starsInComments() throws {
        let comment = String(repeating: "# *a &b *c\n", count: 20)
        #expect(throws: Never.self) { try YAMLDocument.parse(Array((comment + "a: 1*2 &  *\n").utf8), source: "f") }
        let hidden = "a: \"x\n# \" : " + String(repeating: "*a,", count: 9)
        #expect(error(Array(hidden.utf8))?.contains("aliases") == true)
        let carriage = "# x\r" + String(repeating: "*a ", count: 9)
        #expect(error(Array(carriage.utf8))?.contains("aliases") == true)
    }

    @Test func deepNesting() {
        let endless = String(repeating: "[", count: 100_000)
        #expect(error(Array(endless.utf8))?.hasPrefix("f:1: is not YAML: Maximum nesting level reached") == true)
        let dashes = String(repeating: "- ", count: 100_000) + "a"
        #expect(error(Array(dashes.utf8)) != nil)
        let brackets = String(repeating: "[", count: 70) + String(repeating: "]", count: 70)
        #expect(error(Array(brackets.utf8)) == "f:1: is nested more than 64 deep")
    }

    @Test func badBytes() {
        #expect(error([0x61, 0x0a, 0x62, 0x3a, 0xff]) == "f:2: is not UTF-8")
        #expect(error([0x61, 0x3a, 0x20, 0x00])?.hasPrefix("f") == true)
        #expect(error([UInt8](repeating: 0x20, count: (4 << 20) + 1)) == "f: has more than 4194304 bytes")
    }

    @Test func scalarsHaveTheirFieldsType() throws {
        let fields = try YAMLDocument.parse(
            Array("{a: NO, b: 12, c: '12', d: 1e3, e: null, f: 'null', g: -0.5}".utf8), source: "f"
        )
        .fields(["a", "b", "c", "d", "e", "f", "g"])
        #expect(try fields.required("a").text() == "NO")
        #expect(try fields.required("b").text() == "12")
        #expect(try fields.required("b").integer(in: 0...20) == 12)
        #expect(throws: ConfigurationError.self) { try fields.required("c").integer(in: 0...20) }
        #expect(try fields.required("d").number() == 1000)
        #expect(throws: ConfigurationError.self) { try fields.required("e").text() }
        #expect(try fields.required("f").text() == "null")
        #expect(try fields.required("g").number() == -0.5)
        #expect(throws: ConfigurationError.self) { try fields.required("h") }
    }

    @Test(arguments: [".inf", "nan", "0x10", "1_000", "+1", "1e999", "", "1,5", "--1", "1e"])
    func notANumber(text: String) {
        #expect(ScalarText.number(text) == nil)
        #expect(ScalarText.integer(text) == nil)
    }

    @Test(
        arguments: [
            ("1ns", 1), ("500us", 500_000), ("10ms", 10_000_000), ("5s", 5_000_000_000), ("1m", 60_000_000_000),
            ("24h", 86_400_000_000_000), ("0s", 0),
        ] as [(String, UInt64)])
    func durations(text: String, nanos: UInt64) {
        #expect(Quantity.nanos(text) == nanos)
    }

    @Test func quantitiesAreSpeltShortest() {
        #expect(Quantity.duration(nanos: 90_000_000_000) == "90s")
        #expect(Quantity.duration(nanos: 3_600_000_000_000) == "1h")
        #expect(Quantity.size(bytes: 16384) == "16KiB")
        #expect(Quantity.size(bytes: 1000) == "1000B")
        for text in ["", "10", "ms", "-1s", "10 ms", "10Ms", "1d", "99999999999999999999s", "18446744073709551615h"] {
            #expect(Quantity.nanos(text) == nil, "\(text)")
        }
        for text in ["", "10", "1KB", "1kib", "1.5MiB", "9223372036854775807KiB", "18446744073709551615B"] {
            #expect(Quantity.bytes(text) == nil, "\(text)")
        }
    }
}
