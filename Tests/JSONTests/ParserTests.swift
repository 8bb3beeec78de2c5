import Testing

@testable import JSON

@Suite struct ParserTests {
    @Test func readsEveryKind() throws {
        let text =
            #"{"o":{},"a":[],"s":"x\u0041\n","i":-7,"u":18446744073709551615,"#
            + #""d":0.5,"t":true,"f":false,"n":null}"#
        try withParsed(text) { root in
            #expect(root.kind == .object)
            #expect(root.asObject?.count == 9)
            #expect(root["o"]?.asObject?.isEmpty == true)
            #expect(root["a"]?.asArray?.isEmpty == true)
            #expect(root["s"]?.asString == "xA\n")
            #expect(root["i"]?.asInt64 == -7)
            #expect(root["i"]?.asUInt64 == nil)
            #expect(root["u"]?.asUInt64 == .max)
            #expect(root["u"]?.asInt64 == nil)
            #expect(root["u"]?.asDouble == 0x1p64)
            #expect(root["d"]?.asDouble == 0.5)
            #expect(root["d"]?.asInt64 == nil)
            #expect(root["t"]?.asBool == true)
            #expect(root["f"]?.asBool == false)
            #expect(root["n"]?.isNull == true)
            #expect(root["n"]?.asDouble == nil)
            #expect(root["absent"] == nil)
            #expect(root["i"]?["x"] == nil)
        }
    }

    @Test func walksNestedContainers() throws {
        try withParsed(#"[[1,2],{"k":[3,{"l":4}],"m":5},"six",7.5]"#) { root in
            let array = try #require(root.asArray)
            #expect(array.count == 4)
            #expect(array.map(\.kind) == [.array, .object, .string, .double])
            let object = try #require(Array(array)[1].asObject)
            #expect(object.map { $0.name.asString } == ["k", "m"])
            #expect(object["m"]?.asInt64 == 5)
            #expect(object["k"]?.asArray?.count == 2)
        }
    }

    @Test func comparesKeysOfEveryLength() throws {
        try withParsed(#"{"":0,"a":1,"abcdefgh":2,"abcdefghi":3,"abcdefghX":4,"parameters":5}"#) { root in
            let members = Array(try #require(root.asObject))
            #expect(members[0].key == "")
            #expect(members[1].key == "a")
            #expect(members[2].key == "abcdefgh")
            #expect(!(members[2].key == "abcdefgX"))
            #expect(members[3].key == "abcdefghi")
            #expect(!(members[4].key == "abcdefghi"))
            #expect(root["parameters"]?.asInt64 == 5)
        }
    }

    @Test func scalarsMayBeTheWholeDocument() throws {
        #expect(try withParsed(" 12 ") { $0.asInt64 } == 12)
        #expect(try withParsed("-0.0") { $0.asDouble?.sign } == .minus)
        #expect(try withParsed("\"é\"") { $0.asString } == "é")
        #expect(try withParsed("null") { $0.isNull })
    }

    @Test func memoryIsReusedAcrossSizes() throws {
        var parser = JSONParser(maxBytes: 1 << 20)
        for count in [1, 1000, 3, 100_000, 0, 17] {
            let text = "[" + (0..<count).map { "\($0).5" }.joined(separator: ",") + "]"
            let root = try parser.parse(copying: Array(text.utf8))
            #expect(root.asArray?.count == count)
            var sum = 0.0
            for value in try #require(root.asArray) { sum += value.asDouble ?? .nan }
            #expect(sum == Double(count) * Double(count) / 2)
        }
    }

    @Test func integersBeyond64BitsAreDoubles() throws {
        let text = #"{"a":100000000000000000000,"b":[-9223372036854775809,7],"c":18446744073709551616}"#
        try withParsed(text) { root in
            #expect(root["a"]?.asDouble == 1e20)
            #expect(root["b"]?.asArray?.map(\.asDouble) == [-0x1p63, 7])
            #expect(root["c"]?.kind == .double)
        }
        #expect(try withParsed("-9223372036854775808") { $0.asInt64 } == .min)
        let long = "1" + String(repeating: "0", count: 300)
        #expect(try withParsed("[\(long),0.5]") { $0.asArray?.map(\.asDouble) } == [1e300, 0.5])
        let zeros = "0." + String(repeating: "0", count: 400) + "1e401"
        #expect(try withParsed("[100000000000000000000,\(zeros)]") { $0.asArray?.map(\.asDouble) } == [1e20, 1])
    }

    @Test func tinyNumbersAreZeroOrSubnormal() throws {
        #expect(try withParsed("1e-400") { $0.asDouble } == 0)
        #expect(try withParsed("5e-324") { $0.asDouble } == .leastNonzeroMagnitude)
        #expect(try withParsed("0e999999999999999999999") { $0.asDouble } == 0)
        #expect(try withParsed("1.7976931348623157e308") { $0.asDouble } == .greatestFiniteMagnitude)
    }
}

@Suite struct RefusalTests {
    static let documents: [(String, Int, String)] = [
        ("", 0, "expected a value (object, array, string, number, true, false or null), found the end"),
        ("   ", 3, "expected a value (object, array, string, number, true, false or null), found the end"),
        (#"{"a":1}}"#, 7, "expected the end of the document"),
        ("[1] [2]", 4, "expected the end of the document"),
        ("[1] x", 4, "expected the end of the document"),
        ("[1,]", 3, "expected a value (object, array, string, number, true, false or null)"),
        ("[1 2]", 3, "expected ',' or ']'"),
        ("[1", 2, "expected ',' or ']', found the end"),
        (#"{"a":1,}"#, 7, "expected a key in double quotes"),
        (#"{"a" 1}"#, 5, "expected ':'"),
        (#"{"a":1 "b":2}"#, 7, "expected ',' or '}'"),
        (#"{a:1}"#, 1, "expected a key in double quotes"),
        ("{'a':1}", 1, "expected a key in double quotes"),
        ("[1}", 2, "expected ',' or ']'"),
        ("[NaN]", 1, "expected a value: NaN and Infinity are not JSON, null is"),
        ("[Infinity]", 1, "expected a value: NaN and Infinity are not JSON, null is"),
        ("[-Infinity]", 2, "expected a digit"),
        ("[nul]", 1, "expected 'null'"),
        ("[nulll]", 5, "expected the end of the value"),
        ("[True]", 1, "expected a value (object, array, string, number, true, false or null)"),
        ("[01]", 1, "expected a number without leading zeros"),
        ("[-01]", 2, "expected a number without leading zeros"),
        ("[+1]", 1, "expected a value (object, array, string, number, true, false or null)"),
        ("[.5]", 1, "expected a value (object, array, string, number, true, false or null)"),
        ("[1.]", 3, "expected a digit after the point"),
        ("[1e]", 3, "expected a digit in the exponent"),
        ("[0x10]", 2, "expected the end of the value"),
        ("[1e999]", 1, "number out of range: expected one that a double can hold"),
        (
            "[1" + String(repeating: "0", count: 309) + "]", 1,
            "number out of range: expected one that a double can hold"
        ),
        ("[-1e309]", 1, "number out of range: expected one that a double can hold"),
        ("[\"abc", 1, "expected the string that starts here to end in double quotes"),
        ("[\"a\nb\"]", 3, "expected control characters in strings to be escaped"),
        (#"["\x"]"#, 2, #"expected an escape: one of \" \\ \/ \b \f \n \r \t \u"#),
        (#"["\u12G4"]"#, 2, "expected four hexadecimal digits after \\u"),
        (#"["\ud800"]"#, 2, "expected surrogates in pairs, high before low"),
        (#"["\ud800\u0041"]"#, 2, "expected surrogates in pairs, high before low"),
        (#"["\udc00"]"#, 2, "expected surrogates in pairs, high before low"),
        ("\u{feff}[]", 0, "expected a value (object, array, string, number, true, false or null)"),
        ("[1,/**/2]", 3, "expected a value (object, array, string, number, true, false or null)"),
    ]

    @Test(arguments: documents)
    func saysWhereAndWhat(_ document: (String, Int, String)) throws {
        let (text, offset, message) = document
        let error = try #require(refusal(text), "accepted: \(text)")
        #expect(error == JSONError(offset: offset, message: message))
    }

    @Test(
        arguments: [
            [0xff], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x80, 0x80, 0x80],
            [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0x80], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98],
        ] as [[UInt8]])
    func refusesBadUTF8(_ sequence: [UInt8]) throws {
        let error = try #require(refusal(Array("[\"ab".utf8) + sequence + Array("\"]".utf8)))
        #expect(error == JSONError(offset: 4, message: "expected valid UTF-8"))
    }

    @Test func boundsDepthAndSize() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
        }
        for depth in [1, 2, 3, 8, 128] {
            #expect(refusal(nested(depth), maxDepth: depth) == nil)
            let error = try #require(refusal(nested(depth + 1), maxDepth: depth))
            #expect(error == JSONError(offset: depth, message: "expected at most \(depth) levels of nesting"))
            #expect(refusal(nested(depth).replacing("1", with: "[ ]"), maxDepth: depth) == nil)
            let objects = String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
            #expect(refusal(objects, maxDepth: depth) == nil)
            #expect(refusal(#"{"a":"# + objects + "}", maxDepth: depth) != nil)
        }
        #expect(refusal(String(repeating: "[", count: 1 << 19))?.offset == 128)
        #expect(refusal("[1,2,3,4]", maxBytes: 9) == nil)
        #expect(refusal("[1,2,3,4]", maxBytes: 8) == JSONError(offset: 8, message: "expected at most 8 bytes"))
    }

    @Test func aRefusalLeavesTheParserUsable() throws {
        var parser = JSONParser(maxBytes: 1000)
        for _ in 0..<3 {
            #expect(throws: JSONError.self) { _ = try parser.parse(copying: Array("[1,".utf8)) }
            #expect(try parser.parse(copying: Array("[1]".utf8)).asArray?.count == 1)
        }
    }
}
