// Where a webhook is posted to: `https://host:port/path?query`, taken apart once.

public struct WebhookTarget: Sendable, Equatable {
    public static let expectation = "a URL such as https://host/path or http://host:8080/path"

    /// As it was written.
    public let url: String
    public let isSecure: Bool
    /// Without the brackets of an IPv6 address.
    public let host: String
    public let port: UInt16
    /// Path and query.
    public let path: String
    /// Host and port as the Host field has them.
    public let authority: String

    /// nil: not such a URL. A user's name or a fragment has no meaning here and is refused.
    public init?(_ url: String) {
        let scheme = url.hasPrefix("https://") ? "https://" : "http://"
        let isPlain = url.utf8.allSatisfy { 0x21...0x7e ~= $0 } && !url.contains("#") && url.utf8.count <= 2048
        guard url.hasPrefix(scheme), isPlain else { return nil }
        let rest = url.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@"),
            let (host, port) = Self.split(authority, standard: scheme == "https://" ? 443 : 80)
        else { return nil }
        let path = rest.dropFirst(authority.count)
        self.url = url
        isSecure = scheme == "https://"
        (self.host, self.port, self.authority) = (host, port, String(authority))
        self.path = path.hasPrefix("/") ? String(path) : "/" + path
    }

    private static func split(_ authority: Substring, standard: UInt16) -> (String, UInt16)? {
        var (host, rest) = (authority, authority.dropFirst(authority.count))
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            rest = authority[authority.index(after: end)...]
        } else if let colon = authority.firstIndex(of: ":") {
            (host, rest) = (authority[..<colon], authority[colon...])
        }
        guard !host.isEmpty else { return nil }
        if rest.isEmpty { return (String(host), standard) }
        guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()), port > 0 else { return nil }
        return (String(host), port)
    }
}
