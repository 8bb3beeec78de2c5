import Testing

@testable import FileScoring

@Suite struct CSVLineTests {
    private func split(_ text: String, delimiter: Character = ",") -> (fields: [String], problem: String?) {
        var line = CSVLine()
        let bytes = Array(text.utf8)
        let problem = bytes.withUnsafeBytes { line.split($0, delimiter: delimiter.asciiValue!) }
        return (line.fields.indices.map { String(decoding: line.text($0), as: UTF8.self) }, problem)
    }

    @Test func fields() {
        #expect(split("a,b,,d").fields == ["a", "b", "", "d"])
        #expect(split("\"a,b\",\"c \"\"d\"\"\",\"\"").fields == ["a,b", "c \"d\"", ""])
        #expect(split("x;\"1,5\";", delimiter: ";").fields == ["x", "1,5", ""])
        #expect(split("").fields == [""])
    }

    @Test func badQuotes() {
        #expect(split("a,\"b").problem == "field 2: its quote is not closed on this line")
        #expect(split("a,\"b\"c,d").problem == "field 2: text stands behind its closing quote")
        #expect(split("a\"b,c").problem == "field 1: a quote stands inside it")
        #expect(split("a,\"b\"\"").problem == "field 2: its quote is not closed on this line")
    }
}
