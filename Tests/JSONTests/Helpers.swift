@testable import JSON

/// Runs `body` over the parsed text; the parser lives as long as that.
func withParsed<Result>(
    _ text: String, maxBytes: Int = 1 << 20, maxDepth: Int = JSONParser.defaultDepth,
    _ body: (JSONValue) throws -> Result
) throws -> Result {
    var parser = JSONParser(maxBytes: maxBytes, maxDepth: maxDepth)
    return try body(try parser.parse(copying: Array(text.utf8)))
}

/// The error of a document that must be refused; nil: it was accepted.
func refusal(_ bytes: [UInt8], maxBytes: Int = 1 << 20, maxDepth: Int = JSONParser.defaultDepth) -> JSONError? {
    var parser = JSONParser(maxBytes: maxBytes, maxDepth: maxDepth)
    do throws(JSONError) {
        _ = try parser.parse(copying: bytes)
        return nil
    } catch {
        return error
    }
}

func refusal(_ text: String, maxBytes: Int = 1 << 20, maxDepth: Int = JSONParser.defaultDepth) -> JSONError? {
    refusal(Array(text.utf8), maxBytes: maxBytes, maxDepth: maxDepth)
}
