// The head of an HTTP/1.1 request, read strictly: what it says about itself, before any field is used.
//
//     method SP target SP HTTP/1.x CR LF      target: /path?query, http://authority/path?query, * or authority
//     name ":" OWS value OWS CR LF …          the body: none, so many bytes, or chunks
//     CR LF
//
// http-parser takes a bare LF, folded lines and white space before the colon, and much else that lets two
// servers in a chain read one request differently (request smuggling, RFC 9112 section 11.2). So the whole head
// is checked here, and the library only tells fields apart. What is doubtful is refused, and the connection ends.

struct HTTP1Head: Equatable {
    enum Framing: Equatable {
        case none
        /// So many bytes.
        case length(Int)
        case chunked
    }

    var framing = Framing.none
    /// Of the version: 0 for HTTP/1.0.
    var minor = 0
    /// Path and query in the head; from an absolute target without a path only the query, or nothing.
    var target = 0..<0

    /// Reads a head that is whole, from its request line to its empty line.
    init(_ head: UnsafeRawBufferPointer) throws(HTTPFault) {
        var lineEnd = HTTP1HeadCheck.endOfLine(head, 0)
        try readRequestLine(head, lineEnd)
        var fields = HTTP1Fields()
        while lineEnd + 2 < head.count {
            let start = lineEnd + 2
            lineEnd = HTTP1HeadCheck.endOfLine(head, start)
            if lineEnd > start { try fields.take(head, start, lineEnd) }
        }
        try fields.refuse(minor: minor)
        framing = fields.framing
    }

    // MARK: Request line

    private mutating func readRequestLine(_ head: UnsafeRawBufferPointer, _ end: Int) throws(HTTPFault) {
        var spaces: (first: Int, second: Int, count: Int) = (0, 0, 0)
        for index in 0..<end {
            if head[index] < 32 || head[index] == 127 {
                throw HTTPFault(400, "the request line has a control byte at offset \(index)")
            }
            guard head[index] == 32 else { continue }
            if spaces.count == 0 { spaces.first = index } else { spaces.second = index }
            spaces.count += 1
        }
        guard spaces.count == 2, spaces.first > 0, spaces.second > spaces.first + 1 else {
            throw HTTPFault(400, "the request line is not: method, space, target, space, version")
        }
        for index in 0..<spaces.first where !HTTP1HeadCheck.isTokenByte(head[index]) {
            throw HTTPFault(400, "the method is not a token")
        }
        try readVersion(UnsafeRawBufferPointer(rebasing: head[spaces.second + 1..<end]))
        let method = UnsafeRawBufferPointer(rebasing: head[..<spaces.first])
        try readTarget(head, spaces.first + 1..<spaces.second, method)
    }

    /// `HTTP/1.x`, in these letters; a later minor version is read as 1.1.
    private mutating func readVersion(_ text: UnsafeRawBufferPointer) throws(HTTPFault) {
        guard text.count == 8, let base = text.baseAddress, ASCII.equals(base, 5, "HTTP/"), text[6] == 46,
            48...57 ~= text[5], 48...57 ~= text[7]
        else { throw HTTPFault(400, "the request line does not end in a version such as HTTP/1.1") }
        guard text[5] == 49 else {
            throw HTTPFault(505, "HTTP/1.0 and HTTP/1.1 are spoken here, and HTTP/2 by prior knowledge")
        }
        minor = Int(text[7] - 48)
    }

    private mutating func readTarget(
        _ head: UnsafeRawBufferPointer, _ range: Range<Int>, _ method: UnsafeRawBufferPointer
    ) throws(HTTPFault) {
        target = range
        for index in range where !Self.isTargetByte(head[index]) {
            throw HTTPFault(400, "the request target has a byte that must be escaped, at offset \(index)")
        }
        let text = UnsafeRawBufferPointer(rebasing: head[range])
        if text[0] == 47 { return }
        if text.count == 1, text[0] == 42, ASCII.equalsIgnoringCase(method, "options") { return }
        // CONNECT's authority; it is refused later, in its own words.
        if ASCII.equalsIgnoringCase(method, "connect") { return }
        guard let authority = Self.authority(text), HTTP1HeadCheck.isAuthority(text, authority), !authority.isEmpty
        else { throw HTTPFault(400, "the request target is neither a path nor an http URI with a host") }
        target = range.lowerBound + authority.upperBound..<range.upperBound
    }

    /// Where the authority of an absolute URI stands; nil: it is none.
    private static func authority(_ text: UnsafeRawBufferPointer) -> Range<Int>? {
        for scheme: StaticString in ["http://", "https://"] {
            let count = scheme.utf8CodeUnitCount
            guard text.count >= count,
                ASCII.equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: text[..<count]), scheme)
            else { continue }
            var end = count
            while end < text.count, text[end] != 47, text[end] != 63 { end += 1 }
            return count..<end
        }
        return nil
    }

    /// RFC 3986's characters, without the fragment's sign.
    private static func isTargetByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 33, 36...59, 61, 63...91, 93, 95, 97...122, 126: true
        default: false
        }
    }
}
