// What http-parser lets through and a strict server must not, found in the raw bytes of a head.
//
// The library accepts a bare LF as a line's end, folded lines and white space before the colon; each
// of them lets two servers in a chain read one request differently (request smuggling, RFC 9112
// section 11.2). So the bytes are checked before the library sees them.

enum HTTP1HeadCheck {
    enum Search: Equatable {
        /// More bytes are needed; searching goes on from here.
        case incomplete(from: Int)
        /// The head, empty line included, ends before this offset.
        case ends(at: Int)
        case fault(HTTPFault)
    }

    /// Finds the empty line that ends the head. Lines must end in CR LF.
    static func findEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Search {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 10 {
                guard index > 0, bytes[index - 1] == 13 else {
                    return .fault(HTTPFault(400, "a line of the request's head does not end in CR LF"))
                }
                if index >= 3, bytes[index - 2] == 10 { return .ends(at: index + 1) }
            } else if index > 0, bytes[index - 1] == 13 {
                return .fault(HTTPFault(400, "a CR in the request's head is not followed by LF"))
            }
            index += 1
        }
        return .incomplete(from: index)
    }

    /// The fault of a whole head; nil: none that http-parser would overlook.
    static func fault(_ head: UnsafeRawBufferPointer) -> HTTPFault? {
        var lineStart = 0
        var lengths = 0
        var transferEncodings = 0
        var hosts = 0
        while let lineEnd = endOfLine(head, lineStart) {
            if lineStart == 0 {
                if let fault = requestLineFault(head, lineEnd) { return fault }
            } else if lineEnd > lineStart {
                if let fault = fieldFault(head, lineStart, lineEnd) { return fault }
                lengths += isNamed(head, lineStart, "content-length") ? 1 : 0
                transferEncodings += isNamed(head, lineStart, "transfer-encoding") ? 1 : 0
                hosts += isNamed(head, lineStart, "host") ? 1 : 0
            }
            lineStart = lineEnd + 2
        }
        if lengths > 1 { return HTTPFault(400, "content-length: given more than once") }
        if transferEncodings > 1 { return HTTPFault(400, "transfer-encoding: given more than once") }
        if lengths > 0 && transferEncodings > 0 {
            return HTTPFault(400, "content-length and transfer-encoding: only one of them may be given")
        }
        if hosts > 1 { return HTTPFault(400, "host: given more than once") }
        return nil
    }

    private static func endOfLine(_ head: UnsafeRawBufferPointer, _ start: Int) -> Int? {
        var index = start
        while index + 1 < head.count {
            if head[index] == 13 { return index }
            index += 1
        }
        return nil
    }

    /// Method and target without control bytes, parted by single spaces.
    private static func requestLineFault(_ head: UnsafeRawBufferPointer, _ end: Int) -> HTTPFault? {
        var spaces = 0
        for index in 0..<end {
            if head[index] == 32 { spaces += 1 }
            if head[index] < 32 || head[index] == 127 {
                return HTTPFault(400, "the request line has a control byte at offset \(index)")
            }
        }
        return spaces == 2 ? nil : HTTPFault(400, "the request line is not: method, space, target, space, version")
    }

    /// `name: value`, with a token as the name, no folding, and no control bytes in the value.
    private static func fieldFault(_ head: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> HTTPFault? {
        var index = start
        while index < end, isTokenByte(head[index]) { index += 1 }
        guard index > start, index < end, head[index] == 58 else {
            return HTTPFault(400, "a header field's name is not a token followed by a colon, at offset \(index)")
        }
        index += 1
        while index < end {
            let byte = head[index]
            if (byte < 32 && byte != 9) || byte == 127 {
                return HTTPFault(400, "a header field's value has a control byte, at offset \(index)")
            }
            index += 1
        }
        return nil
    }

    private static func isNamed(_ head: UnsafeRawBufferPointer, _ start: Int, _ name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        guard start + count < head.count, head[start + count] == 58 else { return false }
        return ASCII.equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: head[start..<start + count]), name)
    }

    /// RFC 9110's tchar.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        case 33, 35...39, 42, 43, 45, 46, 94, 95, 96, 124, 126: true
        default: false
        }
    }
}
