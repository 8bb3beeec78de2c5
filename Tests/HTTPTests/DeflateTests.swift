import Primitives
import Testing

@testable import HTTP

@Suite struct DeflateTests {
    private static let scores = Array((0..<2000).map { "0.\($0 * 7919 % 10007)" }.joined(separator: ",").utf8)

    /// The bytes as the engine would send them, and the coding it says.
    private func pack(_ bytes: [UInt8], _ accepted: String, _ limits: HTTPLimits = HTTPLimits()) -> ([UInt8], String?) {
        let harness = EngineHarness(limits: limits)
        harness.answersAtOnce = false
        let connection = harness.open()
        harness.feed(connection, "GET /a HTTP/1.1\r\nHost: a\r\nAccept-Encoding: \(accepted)\r\n\r\n".utf8)
        let stream = harness.waiting[0]
        bytes.withUnsafeBytes { stream.pointee.responseBody.append($0) }
        let coding = harness.engine.pack(stream)
        defer { harness.engine.close(connection) }
        return (Array(stream.pointee.responseBody.bytes), coding?.description)
    }

    /// What the engine's own inflater makes of packed bytes.
    private func unpack(_ bytes: [UInt8], _ coding: ContentCoding) -> [UInt8]? {
        var inflater = Inflater()
        return bytes.withUnsafeBytes { packed in
            guard inflater.begin(packed, coding) else { return nil }
            var budget = Int.max
            guard case .done = inflater.advance(&budget, HTTPLimits()) else { return nil }
            return Array(inflater.output.bytes)
        }
    }

    @Test(arguments: [
        ("gzip", "gzip"), ("deflate", "deflate"), ("gzip, deflate", "gzip"), ("deflate, gzip", "gzip"),
        ("br;q=1.0, GZIP;q=0.5", "gzip"), ("gzip;q=0, deflate", "deflate"), ("gzip;q=0.001", "gzip"),
        (" deflate ; q=0.3 ,x", "deflate"), ("x-gzip", "gzip"),
    ])
    func theClientChooses(accepted: String, coding: String) {
        let (bytes, chosen) = pack(Self.scores, accepted)
        #expect(chosen == coding && bytes.count < Self.scores.count * 3 / 4)
        #expect(unpack(bytes, coding == "gzip" ? .gzip : .deflate) == Self.scores)
    }

    @Test(arguments: ["", "identity", "br", "*", "gzip;q=0", "gzip;q=0.000", "gzip;q", "gzip;x=1", ",", ";", "gzipped"])
    func nobodyElseGetsAPackedAnswer(accepted: String) {
        #expect(pack(Self.scores, accepted) == (Self.scores, nil))
    }

    @Test func onlyLengthsWorthItArePacked() {
        var limits = HTTPLimits()
        limits.packMinBytes = Self.scores.count
        #expect(pack(Self.scores, "gzip", limits).1 == "gzip")
        #expect(pack(Self.scores.dropLast(), "gzip", limits).1 == nil)
        limits.packMinBytes = 1
        limits.packMaxBytes = Self.scores.count - 1
        #expect(pack(Self.scores, "gzip", limits).1 == nil)
        limits.packMaxBytes = 0
        #expect(pack([65], "gzip", limits).1 == nil)
    }

    @Test func whatWouldNotShrinkStaysAsItIs() {
        let noise = Array(InflateTests.noise[..<20_000])
        #expect(pack(noise, "gzip") == (noise, nil))
    }

    @Test func aStateIsUsedAgain() {
        var deflater = Deflater()
        for _ in 0..<3 {
            for coding in [ContentCoding.gzip, .deflate] {
                let isPacked = Self.scores.withUnsafeBytes { deflater.pack($0, coding) }
                #expect(isPacked && unpack(Array(deflater.output.bytes), coding) == Self.scores)
                let isNoisePacked = InflateTests.noise.withUnsafeBytes { deflater.pack($0, coding) }
                #expect(!isNoisePacked)
            }
        }
    }
}
