// The reader itself: what it must not be fooled by.

import Testing

@Suite struct SwiftCodeTests {
    @Test(arguments: [
        ("a // try! b", "a          "),
        ("a /* x /* y */ z */ b", "a                   b"),
        ("\"try!\" c", "       c"),
        ("\"a\\\"b\" c", "       c"),
        ("#\"a\"b\"# c", "        c"),
        ("\"\\(f(\"}\"))\" c", "   f(   )   c"),
        ("\"\"\"\n}\n\"\"\" c", "   \n \n    c"),
        ("\"/*\" c", "     c"),
    ])
    func commentsAndStringsAreBlank(text: String, code: String) {
        #expect(SwiftCode.withoutCommentsAndStrings(text) == code)
    }

    @Test func functionsAreMeasuredFromKeywordToBrace() {
        let code = """
            protocol P {
                func noBody() -> Int
                init()
            }
            struct S {
                init(a: Int = { 3 }()) {
                    self.init()
                }
                func long(
                    a: Int
                ) -> Int
                where T: P {
                    if a { }
                }
                deinit { }
            }
            """
        let found = SwiftCode.functions(in: code).map { "\($0.line): \($0.lineCount)" }
        #expect(found == ["6: 3", "9: 6", "15: 1"])
    }
}
