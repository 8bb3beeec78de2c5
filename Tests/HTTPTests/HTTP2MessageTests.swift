// The syntax of fields, octet by octet; what makes a message stands in the conformance suite (Tests/EndToEnd/conformance).

import Testing

@testable import HTTP

@Suite struct HTTP2MessageTests {
    private typealias Field = (name: String, value: String)
    private static let get: [Field] = [
        (":method", "GET"), (":scheme", "https"), (":authority", "localhost:1"), (":path", "/v2?x"),
    ]

    /// Whether the fields, each octet one scalar, are taken, and make a request.
    private func isRequest(_ fields: [Field], trailers: [Field] = []) -> Bool {
        var message = HTTP2Message()
        func take(_ field: Field, isTrailer: Bool) -> Bool {
            let (name, value) = (
                field.name.unicodeScalars.map { UInt8($0.value) }, field.value.unicodeScalars.map { UInt8($0.value) }
            )
            return name.withUnsafeBufferPointer { name in
                value.withUnsafeBytes { value in
                    withUnsafePointer(to: UInt8(0)) { nothing in
                        message.takes(name.baseAddress ?? nothing, name.count, value, isTrailer: isTrailer)
                    }
                }
            }
        }
        guard fields.allSatisfy({ take($0, isTrailer: false) }), message.isComplete else { return false }
        return trailers.allSatisfy { take($0, isTrailer: true) }
    }

    private func text(_ octet: Int) -> String { String(Unicode.Scalar(UInt8(octet))) }

    private static let letters = "abcdefghijklmnopqrstuvwxyz"
    private static let digits = "0123456789"
    private static let marks = "!#$%&'*+-.^_`|~"

    @Test(arguments: 0..<256) func everyOctetOfANameAndAValue(octet: Int) {
        let character = text(octet)
        let isInName = (Self.letters + Self.digits + Self.marks).contains(character)
        #expect(isRequest(Self.get + [("x" + character, "1")]) == isInName)
        for length in [0, 7, 8, 15] {
            let name = String(repeating: "a", count: length) + character + String(repeating: "-", count: 15 - length)
            #expect(isRequest(Self.get + [("z" + name, "1")]) == isInName)
        }
        let isVisible = octet == 9 || octet >= 32 && octet != 127
        for length in [0, 5, 15, 16, 31] {
            let value =
                String(repeating: "a", count: length) + character + String(repeating: "b", count: 31 - length + 1)
            #expect(isRequest(Self.get + [("x", "z" + value)]) == isVisible)
        }
        #expect(isRequest(Self.get + [("x", character)]) == (isVisible && octet != 9 && octet != 32))
    }

    @Test(arguments: 0..<256) func everyOctetOfAPseudoField(octet: Int) {
        let character = text(octet)
        func replaced(_ name: String, _ value: String) -> [Field] {
            Self.get.map { $0.name == name ? (name, value) : $0 }
        }
        let upper = Self.letters.uppercased()
        #expect(
            isRequest(replaced(":method", "G" + character))
                == (Self.letters + upper + Self.digits + Self.marks).contains(character))
        #expect(
            isRequest(replaced(":scheme", "g" + character))
                == (Self.letters + upper + Self.digits + "+-.").contains(character))
        #expect(isRequest(replaced(":scheme", character + "g")) == (Self.letters + upper).contains(character))
        #expect(
            isRequest(replaced(":authority", "h" + character))
                == (Self.letters + upper + Self.digits + "-._~!$&'()*+,;=:@[]%").contains(character))
        #expect(
            isRequest(replaced(":authority", "localhost" + character + "abc:80"))
                == (Self.letters + upper + Self.digits + "-._~!$&'()*+,;=:@[]%").contains(character))
        #expect(isRequest(replaced(":path", "/" + character)) == (octet > 32 && octet != 127))
        #expect(isRequest(replaced(":path", "/0123456789abcdefghij" + character + "x")) == (octet > 32 && octet != 127))
        #expect(isRequest(replaced(":path", character + "x")) == (character == "/"))
    }

    @Test func whatARequestNeeds() {
        #expect(isRequest(Self.get))
        for index in Self.get.indices {
            var fields = Self.get
            fields.remove(at: index)
            #expect(!isRequest(fields), "without \(Self.get[index].name)")
            #expect(!isRequest(Self.get + [Self.get[index]]), "two \(Self.get[index].name)")
            #expect(!isRequest(Self.get.map { $0.name == Self.get[index].name ? ($0.name, "") : $0 }))
        }
        #expect(isRequest([Self.get[0], Self.get[1], Self.get[3], ("host", "h")]))
        #expect(!isRequest([Self.get[0], Self.get[1], Self.get[3], ("host", "")]))
        #expect(!isRequest([Self.get[0], Self.get[1], Self.get[3], ("host", "h"), ("host", "h")]))
        #expect(!isRequest([("x", "y")] + Self.get))
        #expect(isRequest([(":method", "CONNECT"), (":authority", "h:1")]))
        #expect(!isRequest([(":method", "CONNECT"), (":authority", "h:1"), (":path", "/")]))
        #expect(!isRequest([(":method", "CONNECT")]))
        for method in ["OPTIONS", "GET"] {
            let fields = [(":method", method), (":scheme", "http"), (":authority", "h"), (":path", "*")]
            #expect(isRequest(fields) == (method == "OPTIONS"))
        }
        // Another scheme may have another kind of path.
        #expect(isRequest([(":method", "GET"), (":scheme", "urn"), (":authority", "h"), (":path", "a:b")]))
    }

    @Test func fieldsOfTheConnectionAndLengths() {
        for name in ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"] {
            #expect(!isRequest(Self.get + [(name, "x")]))
        }
        #expect(isRequest(Self.get + [("te", "Trailers")]) && !isRequest(Self.get + [("te", "gzip")]))
        #expect(isRequest(Self.get + [("content-length", "12")]) && !isRequest(Self.get + [("content-length", "")]))
        #expect(!isRequest(Self.get + [("content-length", "1"), ("content-length", "1")]))
        #expect(!isRequest(Self.get + [("", "1")]) && !isRequest(Self.get + [(":protocol", "x")]))
        #expect(isRequest(Self.get, trailers: [("x", "y")]))
        #expect(!isRequest(Self.get, trailers: [(":path", "/")]) && !isRequest(Self.get, trailers: [("x", "a\0b")]))
    }
}
