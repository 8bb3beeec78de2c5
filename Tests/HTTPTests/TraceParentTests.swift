import Testing

@testable import HTTP

@Suite struct TraceParentTests {
    private static let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    private func kept(_ values: String...) -> String? {
        var trace = TraceParent()
        for value in values { Array(value.utf8).withUnsafeBytes { trace.take($0) } }
        return trace.withBytes { $0.map { String(decoding: $0, as: UTF8.self) } }
    }

    @Test func aWellFormedOneIsKept() {
        #expect(kept(Self.valid) == Self.valid && kept() == nil)
        #expect(kept("01" + Self.valid.dropFirst(2) + "-later") == "01" + Self.valid.dropFirst(2))
    }

    @Test(arguments: [
        "", "00", valid.uppercased(), valid + "-more", valid + "0", String(valid.dropLast()), "ff" + valid.dropFirst(2),
        "01" + valid.dropFirst(2) + "x", valid.replacing("-", with: "_"),
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        valid.replacing("f", with: "g"),
    ])
    func anythingElseIsAsIfItWereNotThere(text: String) { #expect(kept(text) == nil) }

    @Test func twoAreNone() { #expect(kept(Self.valid, Self.valid) == nil) }

    @Test func itsNumbersAreRead() {
        var trace = TraceParent()
        #expect(trace.context == nil && !trace.isValid)
        Array(Self.valid.utf8).withUnsafeBytes { trace.take($0) }
        let context = TraceParent.Context(
            trace: (0x4bf9_2f35_77b3_4da6, 0xa3ce_929d_0e0e_4736), parent: 0x00f0_67aa_0ba9_02b7, flags: 1)
        #expect(trace.context == context && context.isSampled)
        trace.reset()
        Array((Self.valid.dropLast(2) + "fe").utf8).withUnsafeBytes { trace.take($0) }
        #expect(trace.context?.flags == 0xfe && trace.context?.isSampled == false)
        Array(Self.valid.utf8).withUnsafeBytes { trace.take($0) }
        #expect(trace.context == nil)
    }

    @Test func itIsEchoedOverHTTP1() {
        let harness = EngineHarness()
        let (output, _) = harness.exchange("GET / HTTP/1.1\r\nHost: a\r\nTraceParent: \(Self.valid)\r\n\r\n")
        #expect(output.contains("\r\ntraceparent: \(Self.valid)\r\n"))
        #expect(!harness.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").output.contains("traceparent"))
    }
}
