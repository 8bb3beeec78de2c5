// Lines, names and authorities of HTTP/1.1, byte by byte.

import Glibc

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

    /// Where the line from `start` ends, before its CR LF.
    static func endOfLine(_ head: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var index = start
        while index < head.count, head[index] != 13 { index += 1 }
        return index
    }

    /// Where the colon of `name: value` stands: behind a token, with no folding and no control bytes in the value.
    static func colon(_ head: UnsafeRawBufferPointer, _ start: Int, _ end: Int) throws(HTTPFault) -> Int {
        var index = start
        while index < end, isTokenByte(head[index]) { index += 1 }
        guard index > start, index < end, head[index] == 58 else {
            throw HTTPFault(400, "a header field's name is not a token followed by a colon, at offset \(index)")
        }
        let colon = index
        index += 1
        while index < end {
            let byte = head[index]
            if (byte < 32 && byte != 9) || byte == 127 {
                throw HTTPFault(400, "a header field's value has a control byte, at offset \(index)")
            }
            index += 1
        }
        return colon
    }

    /// Makes spaces of the tabs in a head that was checked: around a value they mean the same (RFC 9110, 5.6.3), but
    /// http-parser refuses a length or a `chunked`, and overlooks a `close`, with a tab behind it. Within a quoted string
    /// they would differ; nobody here reads one.
    static func replaceTabs(_ head: UnsafeMutableRawBufferPointer) {
        guard var next = head.baseAddress else { return }
        let end = next + head.count
        while let tab = memchr(next, 9, end - next) {
            tab.storeBytes(of: 32, as: UInt8.self)
            next = tab + 1
        }
    }

    /// A name with `_` that some server in the chain reads as one that frames, routes or limits the request.
    static func shadows(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.contains(95) else { return false }
        let known: [StaticString] = [
            "content-length", "transfer-encoding", "content-encoding", "inference-header-content-length",
        ]
        return known.contains { matches(name, $0) }
            || (name.count > 6 && matches(.init(rebasing: name[..<6]), "serin-"))
    }

    private static func matches(_ name: UnsafeRawBufferPointer, _ known: StaticString) -> Bool {
        guard name.count == known.utf8CodeUnitCount else { return false }
        return name.indices.allSatisfy { index in
            let byte = name[index] == 95 ? 45 : ASCII.lowercased(name[index])
            return byte == known.utf8Start[index]
        }
    }

    /// `host`, `host:port` or `[address]:port` in `range`, or nothing (RFC 3986, 3.2, without userinfo).
    static func isAuthority(_ text: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        if index < range.upperBound, text[index] == 91 {
            index += 1
            while index < range.upperBound, text[index] != 93 {
                guard isTokenByte(text[index]) || text[index] == 58 else { return false }
                index += 1
            }
            guard index < range.upperBound, index > range.lowerBound + 1 else { return false }
            index += 1
        } else {
            while index < range.upperBound, text[index] != 58 {
                guard isNameByte(text[index]) else { return false }
                index += 1
            }
            if index == range.lowerBound { return range.isEmpty }
        }
        guard index < range.upperBound else { return true }
        return text[index] == 58 && text[index + 1..<range.upperBound].allSatisfy { 48...57 ~= $0 }
    }

    /// RFC 3986's reg-name: unreserved, escaped or a sub-delimiter.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, 45, 46, 95, 126, 37: true
        case 33, 36, 38...44, 59, 61: true
        default: false
        }
    }

    /// RFC 9110's tchar.
    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        case 33, 35...39, 42, 43, 45, 46, 94, 95, 96, 124, 126: true
        default: false
        }
    }
}
