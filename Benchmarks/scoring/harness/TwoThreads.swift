// What a second core brings: both halves of the rows at once, beside all rows on one thread.
//
//     one    core A: rows 0 ─────────────► n
//     two    core A: rows 0 ──► n/2    core B: rows n/2 ──► n      (started and joined within the time)

import CPeers
import Glibc

enum TwoThreads {
    /// Long enough that starting a thread does not count.
    private static let sampleNanos = 60_000_000.0

    /// How many times sooner two threads are done, the median of `pairs` pairs and its 95% interval.
    static func speedUp(
        _ own: SerinScorer, _ other: SerinScorer, rows: Int, processors: (Int32, Int32), pairs: Int
    ) throws -> (median: Double, low: Double, high: Double) {
        let half = rows / 2
        let once = Double(own.run(first: 0, rows: half, calls: 2, rotation: 2 * half))
        let calls = max(1, Int(sampleNanos / once))
        var ratios: [Double] = []
        for _ in 0..<pairs {
            let one = own.run(first: 0, rows: half, calls: 2 * calls, rotation: 2 * half)
            let begin = peer_clock_nanos()
            let thread = try start(Half(scorer: other, first: half, rows: half, calls: calls, processor: processors.1))
            _ = own.run(first: 0, rows: half, calls: calls, rotation: half)
            pthread_join(thread, nil)
            ratios.append(Double(one) / Double(peer_clock_nanos() - begin))
        }
        return Statistics.medianInterval(ratios)
    }

    /// The second thread's work.
    private final class Half: Sendable {
        let scorer: SerinScorer
        let first: Int
        let rows: Int
        let calls: Int
        let processor: Int32

        init(scorer: SerinScorer, first: Int, rows: Int, calls: Int, processor: Int32) {
            self.scorer = scorer
            self.first = first
            self.rows = rows
            self.calls = calls
            self.processor = processor
        }
    }

    private static func start(_ half: Half) throws -> pthread_t {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(half)
        let status = pthread_create(
            &thread, nil,
            { context in
                let half = Unmanaged<Half>.fromOpaque(context!).takeRetainedValue()
                _ = peer_pin(half.processor)
                half.scorer.run(again: half.calls, first: half.first, rows: half.rows)
                return nil
            }, context.toOpaque())
        guard status == 0 else {
            context.release()
            throw Failure("a second thread: \(String(cString: strerror(status)))")
        }
        return thread
    }
}

extension SerinScorer {
    /// Scores the same rows `calls` times.
    fileprivate func run(again calls: Int, first: Int, rows: Int) {
        for _ in 0..<calls { _ = run(first: first, rows: rows, calls: 1, rotation: first + rows) }
    }
}
