// Whether the fields of an HTTP/2 request make a message (RFC 9113, 8.2 and 8.3).
//
//     :method :scheme :path :authority ─► then the others ─► complete? ─► DATA ─► as long as content-length says?
//       once each, each in its syntax       lower-case tokens, values without control octets, none of the connection's
//
// libnghttp2 has such rules too (its "HTTP messaging"), and looks every field up once more for them: 5% of what a small
// call takes, so they are off, and these hold. What breaks one is reset with PROTOCOL_ERROR, and is a glitch.

struct HTTP2Message {
    private struct Seen: OptionSet {
        let rawValue: UInt16
        static let method = Seen(rawValue: 1), scheme = Seen(rawValue: 2), path = Seen(rawValue: 4)
        static let authority = Seen(rawValue: 8), host = Seen(rawValue: 16), length = Seen(rawValue: 32)
        /// A field that is none of the pseudo-header fields: none of those may follow.
        static let regular = Seen(rawValue: 64)
        static let connect = Seen(rawValue: 128), options = Seen(rawValue: 256)
        /// The scheme is http or https, the path begins with a slash, or is an asterisk.
        static let web = Seen(rawValue: 512), slash = Seen(rawValue: 1024), asterisk = Seen(rawValue: 2048)
    }

    private var seen: Seen = []

    /// Takes a field of the header section or of the trailers; false: the request is malformed.
    mutating func takes(
        _ name: UnsafePointer<UInt8>, _ count: Int, _ value: UnsafeRawBufferPointer, isTrailer: Bool
    ) -> Bool {
        if count > 0, name[0] == 0x3a {
            return !isTrailer && !seen.contains(.regular) && takesPseudo(name, count, value)
        }
        seen.insert(.regular)
        guard HTTPOctets.isName(UnsafeRawBufferPointer(start: name, count: count)), HTTPOctets.isValue(value) else {
            return false
        }
        return switch count {
        case 2 where ASCII.equals(name, count, "te"): ASCII.equalsIgnoringCase(value, "trailers")
        case 4 where ASCII.equals(name, count, "host"): takeOnce(.host, HTTPOctets.isAuthority(value))
        case 7 where ASCII.equals(name, count, "upgrade"): false
        case 10 where ASCII.equals(name, count, "connection") || ASCII.equals(name, count, "keep-alive"): false
        case 14 where ASCII.equals(name, count, "content-length"): takeOnce(.length, HTTPOctets.digits.hold(value))
        case 16 where ASCII.equals(name, count, "proxy-connection"): false
        case 17 where ASCII.equals(name, count, "transfer-encoding"): false
        default: true
        }
    }

    /// Whether the header section, which has ended, has what a request needs.
    var isComplete: Bool {
        if seen.contains(.connect) { return seen.contains(.authority) && seen.isDisjoint(with: [.scheme, .path]) }
        guard seen.isSuperset(of: [.method, .scheme, .path]), !seen.isDisjoint(with: [.authority, .host]) else {
            return false
        }
        return !seen.contains(.web) || seen.contains(.slash) || seen.isSuperset(of: [.options, .asterisk])
    }

    // MARK: Pseudo-header fields

    private mutating func takesPseudo(
        _ name: UnsafePointer<UInt8>, _ count: Int, _ value: UnsafeRawBufferPointer
    ) -> Bool {
        switch count {
        case 5 where ASCII.equals(name, count, ":path"): return takesPath(value)
        case 7 where ASCII.equals(name, count, ":method"):
            if ASCII.equals(value, "CONNECT") { seen.insert(.connect) }
            if ASCII.equals(value, "OPTIONS") { seen.insert(.options) }
            return takeOnce(.method, ASCII.equals(value, "POST") || HTTPOctets.method.hold(value))
        case 7 where ASCII.equals(name, count, ":scheme"):
            if ASCII.equals(value, "http") || ASCII.equals(value, "https") {
                seen.insert(.web)
                return takeOnce(.scheme, true)
            }
            return takeOnce(
                .scheme, HTTPOctets.scheme.hold(value) && HTTPOctets.letters.hold(.init(rebasing: value.prefix(1))))
        case 10 where ASCII.equals(name, count, ":authority"):
            return takeOnce(.authority, HTTPOctets.isAuthority(value))
        default: return false
        }
    }

    private mutating func takesPath(_ value: UnsafeRawBufferPointer) -> Bool {
        guard HTTPOctets.isPath(value) else { return false }
        if value[0] == 0x2f { seen.insert(.slash) }
        if value.count == 1, value[0] == 0x2a { seen.insert(.asterisk) }
        return takeOnce(.path, true)
    }

    @inline(__always)
    private mutating func takeOnce(_ field: Seen, _ isValid: Bool) -> Bool {
        isValid && seen.insert(field).inserted
    }
}
