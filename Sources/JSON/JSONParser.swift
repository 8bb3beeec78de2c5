// Bytes to a tape: simdjson's DOM parser, owned and reused.
//
//     bytes ──simdjson──► tape + string buffer ──JSONValue──► the reader
//        │ refused
//        └──JSONScanner (strict, slow)──► JSONError(offset, what was expected)
//
// simdjson takes about half a microsecond for a request of 32 numbers but says "tape error" and
// no place, so a refused document is read once more by a scanner of our own.  Both must agree on
// what is JSON (the fuzz test holds them together).  One kind of document is JSON but too much
// for simdjson: integers beyond 64 bits, which JavaScript writes for 1e20.  The scanner finds
// them, and the document is parsed again with `e0` behind each, which makes them doubles.
//
// The buffers grow with the documents (to powers of two up to 1 MiB) and are kept.

internal import CSimdjson

public struct JSONParser: ~Copyable {
    /// Readable bytes that `parse` needs behind a document.
    public static let padding = 64
    /// How deep a document may be nested unless told otherwise.
    public static let defaultDepth = 128

    private let parser: OpaquePointer
    private let maxBytes: Int
    private let maxDepth: Int
    /// Holds the last document that had integers beyond 64 bits, rewritten.
    private var rewritten: [UInt8] = []

    /// A parser for documents of up to `maxBytes` bytes (below 4 GiB), nested up to `maxDepth` deep; an
    /// empty array or object is no level.
    public init(maxBytes: Int, maxDepth: Int = JSONParser.defaultDepth) {
        precondition(maxBytes >= 0 && maxDepth > 0)
        guard let parser = serin_json_create(maxBytes, maxDepth) else { fatalError("out of memory: JSON parser") }
        self.parser = parser
        self.maxBytes = min(maxBytes, Int(UInt32.max))
        self.maxDepth = maxDepth
    }

    deinit { serin_json_destroy(parser) }

    /// The document's root, valid until the next parse.
    ///
    /// `JSONParser.padding` bytes behind the document must be readable; their content is not looked at.
    public mutating func parse(padded bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
        // SAFETY: the caller owes the padding; simdjson reads nothing beyond it.
        var document = serin_json_document()
        if let base = bytes.baseAddress,
            serin_json_parse(parser, base.assumingMemoryBound(to: UInt8.self), bytes.count, &document) == SERIN_JSON_OK
        {
            return JSONValue(tape: document.tape, strings: document.strings, index: 1)
        }
        return try parseRefused(bytes)
    }

    /// Parses a padded copy, for callers whose bytes have no padding (control plane).
    public mutating func parse(copying bytes: [UInt8]) throws(JSONError) -> JSONValue {
        let copy = bytes + repeatElement(0, count: Self.padding)
        return try copy.withUnsafeBufferPointer { (padded) throws(JSONError) in
            try parse(padded: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(padded)[..<bytes.count]))
        }
    }

    /// Finds the error's place; or, where only wide integers were in the way, parses without them.
    private mutating func parseRefused(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
        if bytes.count > maxBytes {
            throw JSONError(offset: maxBytes, message: "expected at most \(maxBytes) bytes")
        }
        var scanner = JSONScanner(bytes, maxDepth: maxDepth)
        try scanner.scan()
        guard !scanner.wideIntegerEnds.isEmpty else {
            throw JSONError(offset: 0, message: "out of memory for a document of \(bytes.count) bytes")
        }
        rewrite(bytes, ends: scanner.wideIntegerEnds)
        let count = rewritten.count - Self.padding
        var document = serin_json_document()
        let status = rewritten.withUnsafeBufferPointer { serin_json_parse(parser, $0.baseAddress!, count, &document) }
        guard status == SERIN_JSON_OK else {
            throw JSONError(offset: scanner.wideIntegerEnds[0], message: "expected an integer of at most 64 bits")
        }
        return JSONValue(tape: document.tape, strings: document.strings, index: 1)
    }

    /// `bytes` with `e0` inserted at each of `ends`, and padding.
    private mutating func rewrite(_ bytes: UnsafeRawBufferPointer, ends: [Int]) {
        rewritten.removeAll()
        rewritten.reserveCapacity(bytes.count + 2 * ends.count + Self.padding)
        var start = 0
        for end in ends {
            rewritten.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            rewritten.append(UInt8(ascii: "e"))
            rewritten.append(UInt8(ascii: "0"))
            start = end
        }
        rewritten.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start...]))
        rewritten.append(contentsOf: repeatElement(0, count: Self.padding))
    }
}
