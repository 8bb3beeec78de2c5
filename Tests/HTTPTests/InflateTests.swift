import Testing

@testable import HTTP

@Suite struct InflateTests {
    static let text = Array(#"{"inputs":[{"name":"features","shape":[1,4],"data":[1,2,3.5,null]}]}"#.utf8)
    /// Bytes that deflate can do little about.
    static let noise: [UInt8] = {
        var random = UInt64(88_172_645_463_325_252)
        return (0..<200_000).map { _ in
            random ^= random << 13
            random ^= random >> 7
            random ^= random << 17
            return UInt8(truncatingIfNeeded: random)
        }
    }()

    static func request(_ coding: String, _ body: [UInt8], fields: String = "", path: String = "/a") -> [UInt8] {
        let head = "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Encoding: \(coding)\r\n\(fields)"
        return Array((head + "Content-Length: \(body.count)\r\n\r\n").utf8) + body
    }

    /// The statuses of all answers, and what the handler saw.
    private func exchange(
        _ bytes: [UInt8], limits: HTTPLimits = HTTPLimits(), pieces: Int = .max
    ) -> (statuses: [Int], output: String, seen: [SeenRequest]) {
        let harness = EngineHarness(limits: limits)
        let connection = harness.open()
        var rest = bytes[...]
        while !rest.isEmpty {
            harness.feed(connection, rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
        }
        while harness.engine.inflateRound() {}
        let output = String(decoding: harness.output(connection), as: UTF8.self)
        harness.engine.close(connection)
        let statuses = output.split(separator: "HTTP/1.1 ").compactMap { Int($0.prefix(3)) }
        return (statuses, output, harness.seen)
    }

    @Test(arguments: Packing.allCases, [1, 7, .max]) func aPackedBodyIsSeenUnpacked(packing: Packing, pieces: Int) {
        for level in [0, 1, 9] as [Int32] {
            let body = packing.pack(Self.text, level: level)
            let (statuses, _, seen) = exchange(Self.request(packing.rawValue, body), pieces: pieces)
            let text = String(decoding: Self.text, as: UTF8.self)
            #expect(statuses == [200] && seen == [SeenRequest(method: .post, target: "/a", body: text)])
        }
    }

    @Test(arguments: Packing.allCases) func largeBodiesAreWhole(packing: Packing) {
        let harness = EngineHarness()
        let connection = harness.open()
        harness.feed(connection, Self.request(packing.rawValue, packing.pack(Self.noise)))
        #expect(harness.seen.isEmpty)
        var rounds = 1
        while harness.engine.inflateRound() { rounds += 1 }
        // 200,000 bytes in, at eight each, and as many out, with 512 KiB a round.
        #expect(rounds == 4 && harness.seen.count == 1)
        #expect(harness.bodies == [Self.noise])
        let counts = harness.engine.takeInflationCounts()
        #expect(counts.inflated == 1 && counts.bytesOut == 200_000 && counts.bytesIn > 200_000)
        #expect(!harness.engine.takeInflationCounts().isNews)
        harness.engine.close(connection)
    }

    @Test(arguments: [("GZIP", Packing.gzip), ("x-gzip", .gzip), ("Deflate", .deflate)])
    func namesHaveNoCase(name: String, packing: Packing) {
        #expect(exchange(Self.request(name, packing.pack(Self.text))).statuses == [200])
    }

    @Test(arguments: [
        "br", "zstd", "compress", "gzip, gzip", "gzip,deflate", "identity, gzip", "x",
        "gzip\r\nContent-Encoding: gzip",
    ])
    func otherCodingsAre415(name: String) {
        let (statuses, output, seen) = exchange(Self.request(name, Packing.gzip.pack(Self.text)))
        #expect(statuses == [415] && seen.isEmpty)
        #expect(output.contains("\r\naccept-encoding: gzip, deflate\r\n"))
    }

    @Test(arguments: ["identity", "Identity", ""]) func identityIsNothing(name: String) {
        #expect(exchange(Self.request(name, Self.text)).seen.first?.body == String(decoding: Self.text, as: UTF8.self))
    }

    @Test func membersOfGzipFollowEachOther() {
        let members = Self.text.map { Packing.gzip.pack([$0]) }
        let (_, _, seen) = exchange(Self.request("gzip", members.flatMap { $0 }))
        #expect(seen.first?.body == String(decoding: Self.text, as: UTF8.self))
        let twice = Packing.deflate.pack(Self.text) + Packing.deflate.pack(Self.text)
        #expect(exchange(Self.request("deflate", twice)).statuses == [400])
    }

    @Test(arguments: Packing.allCases) func damagedBodiesAre400(packing: Packing) {
        let whole = packing.pack(Self.text)
        for count in 0..<whole.count {
            let (statuses, output, seen) = exchange(Self.request(packing.rawValue, Array(whole[..<count])))
            #expect(statuses == [400] && seen.isEmpty)
            #expect(output.contains("content-encoding: the body is not \(packing.rawValue), or not all of it"))
        }
        for tail in [[0], [0x1f, 0x8b], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], whole.dropLast(9)] as [[UInt8]] {
            #expect(exchange(Self.request(packing.rawValue, whole + tail)).statuses == [400])
        }
        var wrongSum = whole
        wrongSum[whole.count - (packing == .gzip ? 5 : 1)] ^= 1
        #expect(exchange(Self.request(packing.rawValue, wrongSum)).statuses == [400])
        #expect(exchange(Self.request(packing.rawValue, Self.text)).statuses == [400])
    }

    @Test func theOtherFormatIs400() {
        #expect(exchange(Self.request("gzip", Packing.deflate.pack(Self.text))).statuses == [400])
        #expect(exchange(Self.request("deflate", Packing.gzip.pack(Self.text))).statuses == [400])
        // Bare deflate, without zlib's frame, is nobody's `deflate` here.
        #expect(exchange(Self.request("deflate", Array(Packing.deflate.pack(Self.text)[2...]))).statuses == [400])
    }

    @Test func theBoundInBytesIsExact() {
        var limits = HTTPLimits()
        limits.inflatedBytes = 100_000
        let fits = Array(Self.noise[..<100_000])
        #expect(exchange(Self.request("gzip", Packing.gzip.pack(fits)), limits: limits).statuses == [200])
        let (statuses, output, seen) = exchange(
            Self.request("gzip", Packing.gzip.pack(fits + [0])), limits: limits)
        #expect(statuses == [413] && seen.isEmpty && output.contains("more than 100000 bytes"))
    }

    @Test func theBoundAsAMultipleHoldsBeyond64KiB() {
        let zeros = { (count: Int) in Packing.gzip.pack([UInt8](repeating: 48, count: count)) }
        #expect(exchange(Self.request("gzip", zeros(64 << 10))).statuses == [200])
        let (statuses, output, _) = exchange(Self.request("gzip", zeros(1 << 20)))
        #expect(statuses == [413] && output.contains("more than 100 times its size"))
        var limits = HTTPLimits()
        limits.inflateRatio = 1032
        #expect(exchange(Self.request("gzip", zeros(1 << 20)), limits: limits).statuses == [200])
        #expect(exchange(Self.request("gzip", zeros((1 << 20) + 1)), limits: limits).statuses == [413])
    }

    @Test func aBombIsCutAtItsBound() {
        let harness = EngineHarness()
        let connection = harness.open()
        harness.feed(connection, Self.request("gzip", Packing.gzip.pack([UInt8](repeating: 0, count: 100 << 20))))
        var rounds = 1
        while harness.engine.inflateRound() { rounds += 1 }
        #expect(rounds <= 4 && harness.seen.isEmpty)
        #expect(String(decoding: harness.output(connection), as: UTF8.self).hasPrefix("HTTP/1.1 413 "))
        #expect(harness.engine.takeInflationCounts().tooLarge == 1)
        harness.engine.close(connection)
    }

    @Test func answersKeepTheirOrderAroundAPackedBody() {
        let plain = Array("GET /first HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let last = Array("GET /last HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let packed = Self.request("gzip", Packing.gzip.pack(Self.text), path: "/packed")
        let (statuses, output, seen) = exchange(plain + packed + last)
        #expect(statuses == [200, 200, 200] && seen.map(\.target) == ["/first", "/last", "/packed"])
        let places = ["/first", "/packed", "/last"].compactMap { output.firstRange(of: "\r\n\r\n\($0)")?.lowerBound }
        #expect(places.count == 3 && places == places.sorted())
    }

    @Test func aStreamThatIsGoneIsNotInflated() {
        let harness = EngineHarness()
        let first = harness.open()
        harness.feed(first, Self.request("gzip", Packing.gzip.pack(Self.noise), path: "/half-done"))
        #expect(harness.engine.inflateRound())
        let second = harness.open()
        harness.feed(second, Self.request("gzip", Packing.gzip.pack(Self.text), path: "/waits"))
        let third = harness.open()
        harness.feed(third, Self.request("gzip", Packing.gzip.pack(Self.text), path: "/goes-on"))
        harness.engine.close(second)
        harness.engine.close(first)
        #expect(!harness.engine.inflateRound())
        #expect(harness.seen.map(\.target) == ["/goes-on"] && harness.cancelled == 0)
        harness.engine.close(third)
    }

    @Test func aDeadlinePassesWhileABodyWaits() {
        let harness = EngineHarness()
        let connection = harness.open()
        let packed = Packing.gzip.pack(Self.noise)
        harness.feed(connection, Self.request("gzip", packed, fields: "serin-timeout-ms: 10\r\n"))
        #expect(harness.engine.inflateRound())
        harness.advance(connection, to: 1_010_000_000)
        #expect(harness.late == ["/a"])
        #expect(!harness.engine.inflateRound() && harness.seen.isEmpty)
        #expect(String(decoding: harness.output(connection), as: UTF8.self).hasPrefix("HTTP/1.1 504 "))
        harness.feed(connection, Self.request("gzip", Packing.gzip.pack(Self.text), path: "/next"))
        _ = harness.engine.inflateRound()
        #expect(harness.seen.map(\.target) == ["/next"])
        harness.engine.close(connection)
    }
}
