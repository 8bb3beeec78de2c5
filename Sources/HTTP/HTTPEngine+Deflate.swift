// Answers packed for clients that ask for it, as tritonclient's `response_compression_algorithm` does.

import Primitives

extension HTTPEngine {
    /// Packs the stream's `responseBody` as its client accepts, if its length is one to pack; returns the value of
    /// `content-encoding`, nil: it stays as it is.
    public func pack(_ stream: Stream) -> StaticString? {
        let coding = stream.pointee.accepted
        let count = stream.pointee.responseBody.count
        if coding == .identity || count < limits.packMinBytes || count > limits.packMaxBytes { return nil }
        guard deflater.pack(stream.pointee.responseBody.bytes, coding) else { return nil }
        swap(&stream.pointee.responseBody, &deflater.output)
        return coding.name
    }
}

extension HTTPHead {
    /// Takes an `accept-encoding` field: gzip before deflate, neither where its weight is 0 (RFC 9110, 12.5.3).
    static func setAccepted(_ stream: UnsafeMutablePointer<HTTPStream>, _ value: UnsafeRawBufferPointer) {
        var start = 0
        while start < value.count {
            let end = value[start...].firstIndex(of: UInt8(ascii: ",")) ?? value.count
            let item = UnsafeRawBufferPointer(rebasing: value[start..<end])
            if let coding = acceptable(item), coding == .gzip || stream.pointee.accepted == .identity {
                stream.pointee.accepted = coding
            }
            start = end + 1
        }
    }

    /// gzip or deflate, if the item of a list names one and wants it.
    private static func acceptable(_ item: UnsafeRawBufferPointer) -> ContentCoding? {
        let semicolon = item.firstIndex(of: UInt8(ascii: ";")) ?? item.count
        guard let coding = ContentCoding(trimmed(item[..<semicolon])), coding != .identity else { return nil }
        if semicolon == item.count { return coding }
        let weight = trimmed(item[(semicolon + 1)...])
        guard weight.count > 2, ASCII.lowercased(weight[0]) == UInt8(ascii: "q"), weight[1] == UInt8(ascii: "=") else {
            return nil
        }
        return weight.dropFirst(2).contains { 49...57 ~= $0 } ? coding : nil
    }

    private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> UnsafeRawBufferPointer {
        var bytes = bytes
        while let first = bytes.first, first == 32 || first == 9 { bytes = bytes.dropFirst() }
        while let last = bytes.last, last == 32 || last == 9 { bytes = bytes.dropLast() }
        return UnsafeRawBufferPointer(rebasing: bytes)
    }
}
