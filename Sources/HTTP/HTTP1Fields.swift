// The fields that say where a request ends and whom it is for, gathered while its head is read.

struct HTTP1Fields {
    private(set) var framing = HTTP1Head.Framing.none
    private var lengths = 0
    private var transferEncodings = 0
    private var hosts = 0

    /// Takes the line of `head` from `start` to `end`.
    mutating func take(_ head: UnsafeRawBufferPointer, _ start: Int, _ end: Int) throws(HTTPFault) {
        let colon = try HTTP1HeadCheck.colon(head, start, end)
        let name = UnsafeRawBufferPointer(rebasing: head[start..<colon])
        switch name.count {
        case 4 where ASCII.equalsIgnoringCase(name, "host"): try takeHost(Self.value(head, colon, end))
        case 14 where ASCII.equalsIgnoringCase(name, "content-length"):
            try takeLength(Self.value(head, colon, end))
        case 17 where ASCII.equalsIgnoringCase(name, "transfer-encoding"):
            try takeTransferEncoding(Self.value(head, colon, end))
        default: if HTTP1HeadCheck.shadows(name) { throw HTTPFault(400, "a field's name has _ where - is meant") }
        }
    }

    /// What no single field tells.
    func refuse(minor: Int) throws(HTTPFault) {
        if lengths > 1 { throw HTTPFault(400, "content-length: given more than once") }
        if transferEncodings > 1 { throw HTTPFault(400, "transfer-encoding: given more than once") }
        if lengths > 0 && transferEncodings > 0 {
            throw HTTPFault(400, "content-length and transfer-encoding: only one of them may be given")
        }
        if transferEncodings > 0 && minor == 0 { throw HTTPFault(400, "transfer-encoding: not known in HTTP/1.0") }
        if hosts > 1 { throw HTTPFault(400, "host: given more than once") }
        if hosts == 0 && minor > 0 { throw HTTPFault(400, "host: missing") }
    }

    private mutating func takeHost(_ value: UnsafeRawBufferPointer) throws(HTTPFault) {
        hosts += 1
        guard HTTP1HeadCheck.isAuthority(value, 0..<value.count) else {
            throw HTTPFault(400, "host: expected a host and, after a colon, a port")
        }
    }

    /// Digits; more of them than any body has are read as the largest number.
    private mutating func takeLength(_ value: UnsafeRawBufferPointer) throws(HTTPFault) {
        lengths += 1
        guard !value.isEmpty, value.allSatisfy({ 48...57 ~= $0 }) else {
            throw HTTPFault(400, "content-length: expected one whole number")
        }
        let length = ASCII.decimal(value) ?? .max
        framing = length == 0 ? .none : .length(length)
    }

    private mutating func takeTransferEncoding(_ value: UnsafeRawBufferPointer) throws(HTTPFault) {
        transferEncodings += 1
        guard ASCII.equalsIgnoringCase(value, "chunked") else {
            throw HTTPFault(400, "transfer-encoding: only chunked is known")
        }
        framing = .chunked
    }

    /// What stands between a colon and the line's end, without the white space around it.
    private static func value(_ head: UnsafeRawBufferPointer, _ colon: Int, _ end: Int) -> UnsafeRawBufferPointer {
        var (first, last) = (colon + 1, end)
        while first < last, head[first] == 32 || head[first] == 9 { first += 1 }
        while last > first, head[last - 1] == 32 || head[last - 1] == 9 { last -= 1 }
        return UnsafeRawBufferPointer(rebasing: head[first..<last])
    }
}
