// Golden rows: one bit of a margin, two units of a score, and every malformed line.

import Configuration
import Foundation
import Inference
import Registry
import Testing

@Suite struct GoldenTests {
    /// A bundle whose golden line 10 is replaced.
    func bundle(_ line: String) -> TinyBundle {
        var lines = TinyBundle.golden().split(separator: "\n").map(String.init)
        lines[9] = line
        var bundle = TinyBundle()
        bundle.files["golden.ndjson"] = Array((lines.joined(separator: "\n") + "\n").utf8)
        return bundle
    }

    func line(margin: String = "-0.3", score: String = "0.4255575") -> String {
        "{\"row\":[1,\"DE\",2],\"input\":\"FP32\",\"margin\":[\(margin)],\"score\":[\(score)]}"
    }

    @Test func theLineItselfIsRight() throws {
        let margin: Float = -0.5 + 0.2
        let score = 1 / (1 + exp(-margin))
        #expect(throws: Never.self) { try BundleLoaderTests.load(bundle(line(margin: "\(margin)", score: "\(score)"))) }
        for factor in [score.nextUp, score.nextDown] {
            #expect(throws: Never.self) {
                try BundleLoaderTests.load(bundle(line(margin: "\(margin)", score: "\(factor)")))
            }
        }
        for factor in [score.nextUp.nextUp, score.nextDown.nextDown] {
            let message = BundleLoaderTests.error(bundle(line(margin: "\(margin)", score: "\(factor)")))
            #expect(
                message?.hasPrefix(
                    "golden.ndjson:10: score[0]: the model gives \(score), the golden row says \(factor)") == true)
        }
        for wrong in [margin.nextUp, margin.nextDown, -margin, 0] {
            let message = BundleLoaderTests.error(bundle(line(margin: "\(wrong)", score: "\(score)")))
            #expect(
                message?.hasPrefix(
                    "golden.ndjson:10: margin[0]: the model gives \(margin), the golden row says \(wrong)") == true)
        }
    }

    @Test(arguments: [
        ("{}", "golden.ndjson:10: needs the key input"),
        ("", "golden.ndjson:10: is not JSON at byte 0"),
        ("[1]", "golden.ndjson:10: expected an object"),
        (
            "{\"row\":[NaN,\"DE\",2],\"input\":\"FP32\",\"margin\":[0],\"score\":[0.5]}",
            "golden.ndjson:10: is not JSON at byte 8"
        ),
        ("{\"row\":[1e999,\"DE\",2],\"input\":\"FP32\",\"margin\":[0],\"score\":[0.5]}", "golden.ndjson:10"),
        (
            "{\"row\":[1e300,\"DE\",2],\"input\":\"FP32\",\"margin\":[0],\"score\":[0.5]}",
            "golden.ndjson:10: row[0]: expected a finite FP32 number"
        ),
        (
            "{\"row\":[true,\"DE\",2],\"input\":\"FP32\",\"margin\":[0],\"score\":[0.5]}",
            "golden.ndjson:10: row[0]: expected a finite FP32 number, null or a category"
        ),
        (
            "{\"row\":[1,\"DE\",2.5],\"input\":\"FP64\",\"margin\":[0],\"score\":[0.5]}",
            "golden.ndjson:10: row[2]: age is not a whole number, as the manifest wants it"
        ),
        (
            "{\"row\":[1,\"XX\",2],\"input\":\"FP32\",\"margin\":[0],\"score\":[0.5]}",
            "golden.ndjson:10: row[1]: country has a category that the manifest does not list"
        ),
        (
            "{\"row\":[\"DE\",\"DE\",2],\"input\":\"FP32\",\"margin\":[0],\"score\":[0.5]}",
            "golden.ndjson:10: row[0]: amount"
        ),
        (
            "{\"row\":[1,\"DE\"],\"input\":\"FP32\",\"margin\":[0],\"score\":[0.5]}",
            "golden.ndjson:10: row: has 2 values, expected 3"
        ),
        (
            "{\"row\":[1,\"DE\",2],\"input\":\"FP16\",\"margin\":[0],\"score\":[0.5]}",
            "golden.ndjson:10: input: expected FP32 or FP64"
        ),
        (
            "{\"row\":[1,\"DE\",2],\"input\":\"FP32\",\"margin\":[0,1],\"score\":[0.5]}",
            "golden.ndjson:10: margin: has 2 values, expected 1"
        ),
        (
            "{\"row\":[1,\"DE\",2],\"input\":\"FP32\",\"margin\":[null],\"score\":[0.5]}",
            "golden.ndjson:10: margin[0]: expected a finite number"
        ),
        (
            "{\"row\":[1,\"DE\",2],\"input\":\"FP32\",\"margin\":[0],\"score\":[]}",
            "golden.ndjson:10: score: has 0 values, expected 1"
        ),
        (
            "{\"row\":[1,\"DE\",2],\"input\":\"FP32\",\"margin\":[0],\"scores\":[0.5]}",
            "golden.ndjson:10: unknown key \"scores\"; did you mean score?"
        ),
        (
            "{\"row\":[1,\"DE\",2],\"row\":[1,\"DE\",2],\"input\":\"FP32\",\"margin\":[0],\"score\":[0.5]}",
            "golden.ndjson:10: the key row stands twice"
        ),
    ])
    func malformedLines(line: String, message: String) {
        let found = BundleLoaderTests.error(bundle(line))
        #expect(found?.hasPrefix(message) == true, "\(found ?? "")")
    }

    @Test(arguments: [0, 1, 63, 1025])
    func tooFewAndTooMany(count: Int) {
        var bundle = TinyBundle()
        bundle.files["golden.ndjson"] = Array(TinyBundle.golden(count: count).utf8)
        #expect(BundleLoaderTests.error(bundle) == "golden.ndjson: has \(count) lines, expected 64 to 1024")
    }

    @Test func asManyAsThereMayBe() throws {
        var bundle = TinyBundle()
        bundle.files["golden.ndjson"] = Array(TinyBundle.golden(count: 1024).utf8)
        #expect(try BundleLoaderTests.load(bundle).goldenCount == 1024)
    }

    /// The manifest's policies change what the model sees, in golden rows as in requests.
    @Test func policiesApply() throws {
        var clipped = TinyBundle()
        clipped.replace("range: [0, 100000], on_range: clip", by: "range: [0, 50], on_range: clip", in: "manifest.yaml")
        #expect(BundleLoaderTests.error(clipped)?.contains("margin[0]") == true)
        var rejecting = TinyBundle()
        rejecting.replace(
            "range: [0, 100000], on_range: clip", by: "range: [0, 50], on_range: reject", in: "manifest.yaml")
        #expect(BundleLoaderTests.error(rejecting)?.contains("amount is outside the manifest's range") == true)
        var missing = TinyBundle()
        missing.replace("on_range: clip, missing: model", by: "missing: reject", in: "manifest.yaml")
        #expect(BundleLoaderTests.error(missing)?.contains("amount is missing") == true)
        var replaced = TinyBundle()
        replaced.replace("on_range: clip, missing: model", by: "missing: {value: 500}", in: "manifest.yaml")
        #expect(BundleLoaderTests.error(replaced)?.contains("margin[0]") == true)
    }
}
