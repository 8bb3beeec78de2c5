import Configuration
import Testing

@Suite struct HTTPEndpointTests {
    @Test(arguments: [
        ("http://collector", "collector", 4318, "", "collector:4318"),
        ("http://collector:80/", "collector", 80, "/", "collector:80"),
        ("http://10.0.0.1:4318/v1/traces?key=a", "10.0.0.1", 4318, "/v1/traces?key=a", "10.0.0.1:4318"),
        ("http://[::1]/otlp", "::1", 4318, "/otlp", "[::1]:4318"),
        ("http://[2001:db8::1]:9?x", "2001:db8::1", 9, "/?x", "[2001:db8::1]:9"),
    ])
    func itsParts(text: String, host: String, port: Int, target: String, authority: String) throws {
        let endpoint = try #require(HTTPEndpoint(text, defaultPort: 4318))
        #expect(endpoint.host == host && endpoint.port == port && endpoint.target == target)
        #expect(endpoint.authority == authority && endpoint.text == text)
    }

    @Test(arguments: [
        "", "collector:4318", "https://collector", "http://", "http:///v1", "http://user@collector", "http://a b",
        "http://collector:", "http://collector:0", "http://collector:65536", "http://collector:+1", "http://[::1",
        "http://[localhost]:1", "http://::1:4318", "http://[::1]x", "http://a/b#c", "http://ä", "HTTP://collector",
        "http://a/\u{1}",
    ])
    func anythingElseIsNone(text: String) { #expect(HTTPEndpoint(text, defaultPort: 4318) == nil) }
}
