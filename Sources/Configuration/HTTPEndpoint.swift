// Where something is posted to over plain HTTP: `http://HOST[:PORT][/PATH]`, TLS being a relay's business.

public struct HTTPEndpoint: Sendable, Equatable {
    /// As it was written.
    public let text: String
    /// A name, or an address in digits without brackets.
    public let host: String
    public let port: UInt16
    /// Path and query; empty: none was written.
    public let target: String

    /// nil: it is not of that form. `defaultPort`: where none is written.
    public init?(_ text: String, defaultPort: UInt16) {
        let scheme = "http://"
        guard text.hasPrefix(scheme), text.utf8.count <= 2048,
            text.utf8.allSatisfy({ 0x21...0x7e ~= $0 && $0 != UInt8(ascii: "#") })
        else { return nil }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard let (host, port) = Self.split(authority, defaultPort) else { return nil }
        let target = String(rest.dropFirst(authority.count))
        (self.text, self.host, self.port) = (text, host, port)
        self.target = target.hasPrefix("?") ? "/\(target)" : target
    }

    private static func split(_ authority: Substring, _ defaultPort: UInt16) -> (String, UInt16)? {
        let (host, rest): (Substring, Substring)
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = authority[authority.index(after: authority.startIndex)..<end]
            rest = authority[authority.index(after: end)...]
            guard IPAddress.isAddress(String(host)), host.contains(":") else { return nil }
        } else {
            host = authority.prefix { $0 != ":" }
            rest = authority.dropFirst(host.count)
            let isName = host.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
            guard !host.isEmpty, isName else { return nil }
        }
        if rest.isEmpty { return (String(host), defaultPort) }
        guard rest.hasPrefix(":"), let port = ScalarText.integer(String(rest.dropFirst())), 1...65535 ~= port else {
            return nil
        }
        return (String(host), UInt16(port))
    }

    /// For the `host` field.
    public var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
