import Configuration
import Inference
import Primitives
import Registry
import Testing

@testable import Monitoring

/// A profile of a number, a whole number with a range and a category, and one score.
enum Sample {
    static let features = [
        FeatureSpec(name: "amount", kind: .number, range: 0...100),
        FeatureSpec(name: "hour", kind: .integer),
        FeatureSpec(name: "country", kind: .category, categories: ["DE", "FR", "IT", "ES"]),
    ]

    static func layout() throws -> DriftLayout {
        let digits = String(repeating: "ab", count: 32)
        let text = """
            {"schema":1,"rows":1000,"model_sha256":"\(digits)","features":[
            {"name":"amount","kind":"number","edges":[1,10,20.1,50],"counts":[300,300,390],"underflow":0,"overflow":0,
             "missing":10},
            {"name":"hour","kind":"number","edges":[0,12,24],"counts":[500,500],"underflow":0,"overflow":0,"missing":0},
            {"name":"country","kind":"category","counts":{"DE":600,"IT":380},"other":20,"missing":0}],
            "score":{"output":"score","edges":[0,0.25,0.5,1],"counts":[500,300,200]}}
            """
        return DriftLayout(try Profile.parse(Array(text.utf8), source: "profile.json"), features)
    }
}

@Suite struct DriftCountersTests {
    /// Bins of one variable after rows of (amount, hour, country).
    private func bins(
        _ rows: [[Double]], scores: [Double], narrow: Bool, kernel: String, reactors: Int = 1
    ) throws -> (bins: [[UInt64]], outOfRange: UInt64, sum: Double) {
        let layout = try Sample.layout()
        let counters = DriftCounters(layout, reactors: reactors, kernel: kernel)
        let (wide, floats) = (rows.flatMap { $0 }, rows.flatMap { $0.map(Float.init) })
        let shard = counters.shards[reactors - 1]
        scores.withUnsafeBytes { scores in
            if narrow {
                floats.withUnsafeBytes {
                    shard.count(
                        values: $0.baseAddress!, isDouble: false, scores: scores.baseAddress!, scoresAreDouble: true,
                        rows: rows.count)
                }
            } else {
                wide.withUnsafeBytes {
                    shard.count(
                        values: $0.baseAddress!, isDouble: true, scores: scores.baseAddress!, scoresAreDouble: true,
                        rows: rows.count)
                }
            }
        }
        let readings = counters.read()
        var counts = [UInt64](repeating: 0, count: readings[0].count)
        for reading in readings { for cell in reading.indices { counts[cell] += UInt64(reading[cell]) } }
        return (
            layout.variables.map { $0.bins(of: counts) }, layout.variables[0].outOfRange(of: counts),
            counters.sum(score: 0)
        )
    }

    @Test(arguments: [true, false], DriftCounters.kernels)
    func valuesFallIntoTheirBins(narrow: Bool, kernel: String) throws {
        let nan = Double.nan
        let rows: [[Double]] = [
            [0.5, 0, 0], [1, 11.5, 1], [10, 12, 2], [20.1, 24, 3], [50, 25, 4], [50.5, -1, -1], [101, nan, 0.5],
            [-3, 3, nan], [nan, 3, 0], [.infinity, 3, 0],
        ]
        let scores = [0, 0.2, 0.25, 0.5, 0.75, 1, 1.5, -0.1, 0.3, 0.3]
        let (bins, outOfRange, sum) = try bins(rows, scores: scores, narrow: narrow, kernel: kernel, reactors: 3)
        // under | [1,10) [10,20.1) [20.1,50] | over | missing: edges belong to the bin above, the last one below.
        #expect(bins[0] == [2, 1, 1, 2, 3, 1])
        // 101, -3 and infinity are out of 0...100, 50.5 and 0.5 only beyond the training.
        #expect(outOfRange == 3)
        #expect(bins[1] == [1, 5, 2, 1, 1])
        // DE | IT | other (FR, ES) | unseen (4, -1, 0.5) | missing
        #expect(bins[2] == [3, 1, 2, 3, 1])
        #expect(bins[3] == [1, 2, 3, 3, 1])
        #expect(abs(sum - scores.reduce(0, +)) < 1e-9)
    }

    /// Edges themselves, values between, beside and beyond them: each kernel counts as the plain one.
    @Test func kernelsCountTheSame() throws {
        var random = SplitMix64(seed: 7)
        let edges: [Double] = [0, 1, 10, 20.1, 50, 100, 12, 24, .infinity, -.infinity, .nan, -0.0, 1e30]
        let rows = (0..<500).map { _ in
            (0..<3).map { _ in
                let edge = edges[Int(random.next() % UInt64(edges.count))]
                return [edge, edge.nextUp, edge.nextDown, Double(random.next() % 6)][Int(random.next() % 4)]
            }
        }
        let scores = (0..<500).map { [0, 0.25, 0.5, 1, 1.5, -1, .nan, 0.3][$0 % 8] }
        for narrow in [true, false] {
            let plain = try bins(rows, scores: scores, narrow: narrow, kernel: "scalar").bins
            #expect(plain.allSatisfy { $0.reduce(0, +) == 500 })
            for kernel in DriftCounters.kernels {
                #expect(try bins(rows, scores: scores, narrow: narrow, kernel: kernel).bins == plain, "\(kernel)")
            }
        }
    }

    /// Wide rows are sampled: one in two of 64 features, over the requests' borders.
    @Test func wideRowsAreSampled() throws {
        let specs = (0..<64).map { FeatureSpec(name: "f\($0)", kind: .number) }
        let features = specs.map {
            #"{"name":"\#($0.name)","kind":"number","edges":[0,1],"counts":[5],"underflow":0,"overflow":0,"missing":0}"#
        }
        let digits = String(repeating: "00", count: 32)
        let text =
            #"{"schema":1,"rows":5,"model_sha256":"\#(digits)","features":[\#(features.joined(separator: ","))],"#
            + #""score":{"output":"score","edges":[0,1],"counts":[5]}}"#
        let layout = DriftLayout(try Profile.parse(Array(text.utf8), source: "p"), specs)
        let counters = DriftCounters(layout, reactors: 1)
        let (values, scores) = ([Float](repeating: 0.5, count: 64 * 3), [Float](repeating: 0.5, count: 3))
        for rows in [3, 1, 1, 2, 3] {
            values.withUnsafeBytes { values in
                scores.withUnsafeBytes { scores in
                    counters.shards[0].count(
                        values: values.baseAddress!, isDouble: false, scores: scores.baseAddress!,
                        scoresAreDouble: false, rows: rows)
                }
            }
        }
        #expect(counters.read()[0].reduce(0, +) == 65 * 5)
    }

    @Test func aConstantFeature() throws {
        let digits = String(repeating: "00", count: 32)
        let text = """
            {"schema":1,"rows":5,"model_sha256":"\(digits)","features":[
            {"name":"c","kind":"number","edges":[7,7],"counts":[5],"underflow":0,"overflow":0,"missing":0}],
            "score":{"output":"score","edges":[0,1],"counts":[5]}}
            """
        let spec = FeatureSpec(name: "c", kind: .number)
        let variable = DriftLayout(try Profile.parse(Array(text.utf8), source: "p"), [spec]).variables[0]
        var counts = [UInt64](repeating: 0, count: 100)
        (counts[0], counts[1], counts[2], counts[15]) = (1, 2, 3, 4)
        #expect(variable.bins(of: counts) == [1, 2, 3, 4] && variable.reference == [0, 5, 0, 0])
    }
}
