import Foundation
import Inference
import Primitives
import Testing

@testable import Monitoring

@Suite struct DecisionLogTests {
    private let features = [
        FeatureSpec(name: "amount", kind: .number),
        FeatureSpec(name: "country", kind: .category, categories: ["DE", "F\"R"]),
        FeatureSpec(name: "card", kind: .number, pii: true),
    ]

    private func line(
        _ values: [Double], scores: [Double], isDouble: Bool, personal: PersonalData, fixedLabel: Int = -1
    ) -> String {
        let output = ModelOutput(
            scoreType: .float64, columns: scores.count, objective: "binary:logistic", threshold: 0.5, positive: 1)
        var lines = DecisionLines(key: SipHash(1, 2))
        lines.learn(
            DecisionSchema(
                serial: 7, model: "fraud", version: "1", digest: "ab", features: features, output: output,
                personal: personal))
        let arm = Array("stable".utf8)
        let head = arm.withUnsafeBytes { arm in
            DecisionHead(
                schema: 7, nanos: 1_500_000_000, latencyNanos: 42_999,
                id: RequestNumber(high: 0x0123_4567_89ab_cdef, low: 1),
                isDouble: isDouble, isFallback: false, fixedLabel: fixedLabel, arm: arm)
        }
        var text = GrowableBuffer()
        let size = DecisionHead.size(valueBytes: values.count * (isDouble ? 8 : 4), scoreBytes: scores.count * 8)
        let place = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        defer { place.deallocate() }
        scores.withUnsafeBytes { scores in
            if isDouble {
                values.withUnsafeBytes { head.write(to: place, values: $0, scores: scores) }
            } else {
                values.map(Float.init).withUnsafeBytes { head.write(to: place, values: $0, scores: scores) }
            }
        }
        #expect(lines.append(UnsafeRawPointer(place), clockOffset: 1_763_755_200_000_000_000, to: &text))
        return String(decoding: text.bytes, as: UTF8.self)
    }

    @Test func aLine() {
        let text = line([12.1, 1, 5], scores: [0.75], isDouble: false, personal: .drop)
        #expect(
            text == #"{"id":"0123456789abcdef00000001","row":0,"time":"2025-11-21T20:00:01.500000Z","#
                + #""model":"fraud","version":"1","digest":"ab","arm":"stable","tier":"full","latency_us":42,"#
                + #""input":"FP32","features":{"amount":12.1,"country":"F\"R"},"score":[0.75],"label":1}"# + "\n")
    }

    @Test func oddValuesAndPersonalOnes() {
        let nan = Double.nan
        let text = line([.infinity, 7, 5], scores: [0.25], isDouble: true, personal: .hash)
        #expect(text.contains(##""amount":"Infinity","country":7.0,"card":"#"##) && text.hasSuffix("\"label\":0}\n"))
        let same = line([1, nan, 5], scores: [0.5], isDouble: false, personal: .hash)
        func hash(_ text: String) -> Substring { text.split(separator: "#")[1].prefix(16) }
        #expect(hash(text) == hash(same) && same.contains("\"country\":null") && same.contains("\"label\":1}"))
        let other = line([1, nan, 6], scores: [0.1, 0.7, 0.7], isDouble: false, personal: .hash)
        #expect(hash(other) != hash(same) && other.contains("\"label\":1}"))
        #expect(
            line([1, 0, nan], scores: [0.9], isDouble: true, personal: .hash, fixedLabel: 0).contains("\"label\":0"))
    }

    /// Letters that no compression makes much shorter.
    private func noise(_ count: Int, seed: Int) -> String {
        var state = SplitMix64(seed: UInt64(seed))
        return String(decoding: (0..<count).map { _ in UInt8(97 + state.next() % 26) }, as: UTF8.self)
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "serin-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func read(_ path: String) throws -> (lines: [String], cutOff: Int) {
        var lines: [String] = []
        var reader = try LineReader(path: path)
        try reader.readAll { line, _, _ in lines.append(String(decoding: line, as: UTF8.self)) }
        return (lines, reader.cutOff.count)
    }

    @Test func segmentsRotateAndAreReadAgain() throws {
        try withFolder { folder in
            var expected: [String] = []
            for start in 0..<2 {
                var writer = try SegmentWriter(folder: folder, segmentBytes: 4096, keepBytes: 1 << 20)
                for index in 0..<40 {
                    let line = "\(start)-\(index)-" + noise(400, seed: index)
                    expected.append(line)
                    try Array((line + "\n").utf8).withUnsafeBytes { try writer.write($0) }
                }
            }
            let segments = try SegmentWriter.segments(folder)
            #expect(segments.count > 2 && segments[0] == "decisions-000000000001.ndjson.gz")
            #expect(try read(folder).lines == expected)
        }
    }

    @Test func theOldestSegmentsGo() throws {
        try withFolder { folder in
            var writer = try SegmentWriter(folder: folder, segmentBytes: 2048, keepBytes: 8192)
            for index in 0..<400 {
                let line = noise(200, seed: index) + "\n"
                try Array(line.utf8).withUnsafeBytes { try writer.write($0) }
            }
            let segments = try SegmentWriter.segments(folder)
            #expect(segments.count <= 4 && segments[0] > "decisions-000000000001.ndjson.gz")
        }
    }

    @Test func damagedSegments() throws {
        try withFolder { folder in
            var writer = try SegmentWriter(folder: folder, segmentBytes: 1 << 20, keepBytes: 1 << 30)
            for line in ["one\n", "two\n", "three\n"] {
                try Array(line.utf8).withUnsafeBytes { try writer.write($0) }
            }
            let path = "\(folder)/\(try SegmentWriter.segments(folder)[0])"
            let whole = try Data(contentsOf: URL(filePath: path))
            try whole.dropLast(5).write(to: URL(filePath: path))
            let cut = try read(path)
            #expect(cut.lines == ["one", "two", "three"] && cut.cutOff == 1)
            var bent = whole
            bent[bent.count / 2] ^= 0xff
            try bent.write(to: URL(filePath: path))
            #expect(throws: (any Error).self) { try read(path) }
            #expect(throws: (any Error).self) { try read(folder + "/none") }
        }
    }
}
