// How a body is packed, as `content-encoding` says it (RFC 9110, 8.4.1).

/// `deflate` is zlib's format, as the RFC and every client that names it mean it.
enum ContentCoding: UInt8 {
    case identity, gzip, deflate

    /// One coding's name, in any case; nil: unknown, or a list.
    init?(_ value: UnsafeRawBufferPointer) {
        if value.isEmpty || ASCII.equalsIgnoringCase(value, "identity") {
            self = .identity
        } else if ASCII.equalsIgnoringCase(value, "gzip") || ASCII.equalsIgnoringCase(value, "x-gzip") {
            self = .gzip
        } else if ASCII.equalsIgnoringCase(value, "deflate") {
            self = .deflate
        } else {
            return nil
        }
    }

    var name: StaticString {
        switch self {
        case .identity: "identity"
        case .gzip: "gzip"
        case .deflate: "deflate"
        }
    }
}

extension HTTPHead {
    /// Takes a `content-encoding` field; a body that is packed twice is not unpacked.
    static func setContentCoding(_ stream: UnsafeMutablePointer<HTTPStream>, _ value: UnsafeRawBufferPointer) {
        guard let coding = ContentCoding(value), coding == .identity || stream.pointee.coding == .identity else {
            stream.pointee.fault = .contentCoding
            return
        }
        if coding != .identity { stream.pointee.coding = coding }
    }
}
