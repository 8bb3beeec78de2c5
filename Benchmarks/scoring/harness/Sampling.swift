// Interleaved pairs: Serin and a peer in turn, so that what the machine does besides falls on both.
//
//     pair    serin ▒▒▒▒▒▒ peer ░░░░░░     next pair    peer ░░░░░░ serin ▒▒▒▒▒▒
//             └ a sample: the median of its chunks; a chunk: calls for 50 µs
//
// Rows go round 4,096 rows or more, too many for a branch predictor to learn.  The ratio is taken
// within a pair; the median of the pairs' ratios is the figure.

struct Sampling {
    /// How long one sample lasts, at least; one call may last longer.
    var sampleNanos = 8_000_000.0
    var chunkNanos = 50_000.0
    var pairs = 15

    static func rotation(rows: Int, available: Int) -> Int { rows <= 64 ? min(4_096, available) : available }

    /// Calls of a chunk and chunks of a sample, for a scorer of that speed.
    struct Plan {
        var rows: Int
        var rotation: Int
        var calls: Int
        var chunks: Int
    }

    /// Warms the scorer up and measures its speed roughly.
    func plan(_ scorer: any Scorer, rows: Int, rotation: Int) throws -> Plan {
        var calls = 1
        var nanos = Double(try scorer.run(first: 0, rows: rows, calls: 1, rotation: rotation))
        while nanos < chunkNanos {
            calls *= 2
            nanos = Double(try scorer.run(first: 0, rows: rows, calls: calls, rotation: rotation))
        }
        let call = nanos / Double(calls)
        let perChunk = max(1, Int(chunkNanos / call))
        let chunks = max(1, min(200, Int(sampleNanos / (call * Double(perChunk)))))
        return Plan(rows: rows, rotation: rotation, calls: perChunk, chunks: chunks)
    }

    /// Nanoseconds a row, the median of the plan's chunks.  The first chunk finds its caches cold and is left out
    /// where there are others.
    func sample(_ scorer: any Scorer, _ plan: Plan) throws -> Double {
        var found: [Double] = []
        var first = 0
        for chunk in 0..<plan.chunks + (plan.chunks > 1 ? 1 : 0) {
            let nanos = try scorer.run(first: first, rows: plan.rows, calls: plan.calls, rotation: plan.rotation)
            first = (first + plan.rows * plan.calls) % plan.rotation
            if chunk > 0 || plan.chunks == 1 { found.append(Double(nanos) / Double(plan.rows * plan.calls)) }
        }
        return Statistics.median(found)
    }

    /// `samples[i][p]`: nanoseconds a row of scorer i in pair p.
    func interleaved(_ scorers: [any Scorer], rows: Int, rotation: Int) throws -> [[Double]] {
        let plans = try scorers.map { try plan($0, rows: rows, rotation: rotation) }
        var samples = [[Double]](repeating: [], count: scorers.count)
        for pair in 0..<pairs {
            let order = pair % 2 == 0 ? Array(scorers.indices) : scorers.indices.reversed()
            for index in order { samples[index].append(try sample(scorers[index], plans[index])) }
        }
        return samples
    }
}
