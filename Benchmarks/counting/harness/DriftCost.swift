// Counting a row for drift: values from all over the training's range, some of them missing, one row a call as most
// requests have.

import Glibc
import Inference
import Monitoring
import Registry

enum DriftCost {
    private static let rows = 512

    /// Nanoseconds a row: the least of the repetitions.
    static func measure(bundle folder: String, isDouble: Bool) throws -> Double {
        let bundle = try BundleLoader.load(directory: folder)
        guard let profile = bundle.profile else { return .infinity }
        let layout = DriftLayout(profile, bundle.input.features)
        let counters = DriftCounters(layout, reactors: 1)
        let values = (0..<rows).flatMap { _ in profile.features.map(value) }
        let narrow = values.map(Float.init)
        let scores = (0..<rows).map { _ in Float.random(in: 0...1) }
        var least = Double.infinity
        for _ in 0..<500 {
            let started = nanosNow()
            if isDouble {
                count(counters.shards[0], values, scores)
            } else {
                count(counters.shards[0], narrow, scores)
            }
            least = min(least, Double(nanosNow() - started) / Double(rows))
        }
        return least
    }

    private static func value(_ feature: Profile.Feature) -> Double {
        if Int.random(in: 0..<8) == 0 { return .nan }
        switch feature.distribution {
        case .number(let histogram, _, _):
            let bin = Int.random(in: 0..<histogram.counts.count)
            return Double.random(in: histogram.edges[bin]...histogram.edges[bin + 1])
        case .category(let counts, _): return Double(Int.random(in: 0..<max(1, counts.count)))
        }
    }

    private static func count<Value>(_ shard: DriftShard, _ values: [Value], _ scores: [Float]) {
        let bytes = values.count / rows * MemoryLayout<Value>.size
        values.withUnsafeBytes { values in
            scores.withUnsafeBytes { scores in
                guard let values = values.baseAddress, let scores = scores.baseAddress else { return }
                for row in 0..<rows {
                    shard.count(
                        values: values + row * bytes, isDouble: MemoryLayout<Value>.size == 8,
                        scores: scores + 4 * row, scoresAreDouble: false, rows: 1)
                }
            }
        }
    }
}
