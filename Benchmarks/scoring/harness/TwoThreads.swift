// What a second core brings: two threads at once, beside either core alone.
//
//     A alone    core A: call call call …                  rate a
//     B alone    core B: call call call …                  rate b         one = (a + b) / 2
//     both       core A: call call call … ┐
//                core B: call call call … ┘ of one count   rate c         speed-up = c / one
//
// Either core alone, because on a shared machine one may be slower than the other for a while, which no
// scorer can help; of one count, so that the slower core does not hold the quicker one up at the end.

import CPeers
import Glibc
import Synchronization

enum TwoThreads {
    /// Long enough that starting a thread does not count.
    private static let sampleNanos = 60_000_000.0
    /// Small enough that the last call, done alone, does not count either.
    private static let callsOfAllRows = 32

    /// How many times as many rows two threads score in a second, the median of `pairs` pairs and its 95% interval.
    static func speedUp(
        _ own: SerinScorer, _ other: SerinScorer, rows: Int, processors: (Int32, Int32), pairs: Int
    ) throws -> (median: Double, low: Double, high: Double) {
        let share = max(1, rows / callsOfAllRows)
        let once = Double(own.run(first: 0, rows: share, calls: callsOfAllRows, rotation: rows))
        let calls = callsOfAllRows * max(1, Int(sampleNanos / once))
        var ratios: [Double] = []
        for _ in 0..<pairs {
            let first = try nanos(of: [Work(own, processors.0)], calls: calls, share: share, rows: rows)
            let second = try nanos(of: [Work(other, processors.1)], calls: calls, share: share, rows: rows)
            let both = try nanos(
                of: [Work(own, processors.0), Work(other, processors.1)], calls: 2 * calls, share: share, rows: rows)
            // Rates: calls / first and calls / second alone, 2 calls / both together.
            ratios.append(2 / both / ((1 / first + 1 / second) / 2))
        }
        return Statistics.medianInterval(ratios)
    }

    /// Nanoseconds until all the calls are done, by a thread for each of `workers`.
    private static func nanos(of workers: [Work], calls: Int, share: Int, rows: Int) throws -> Double {
        let count = CallCount(calls)
        let begin = peer_clock_nanos()
        var threads: [pthread_t] = []
        for worker in workers {
            threads.append(try start(Turn(work: worker, count: count, share: share, rows: rows)))
        }
        for thread in threads { pthread_join(thread, nil) }
        return Double(peer_clock_nanos() - begin)
    }

    /// A scorer, and the processor that it runs on.
    private struct Work {
        let scorer: SerinScorer
        let processor: Int32

        init(_ scorer: SerinScorer, _ processor: Int32) {
            self.scorer = scorer
            self.processor = processor
        }
    }

    /// The calls that are left, of whoever takes them.
    private final class CallCount: Sendable {
        private let left: Atomic<Int>

        init(_ count: Int) { left = Atomic(count) }

        func take() -> Int? {
            let (call, _) = left.subtract(1, ordering: .relaxed)
            return call > 0 ? call : nil
        }
    }

    private final class Turn: Sendable {
        let work: Work
        let count: CallCount
        let share: Int
        let rows: Int

        init(work: Work, count: CallCount, share: Int, rows: Int) {
            self.work = work
            self.count = count
            self.share = share
            self.rows = rows
        }

        func run() {
            let places = rows / share
            while let call = count.take() {
                _ = work.scorer.run(first: call % places * share, rows: share, calls: 1, rotation: rows)
            }
        }
    }

    private static func start(_ turn: Turn) throws -> pthread_t {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(turn)
        let status = pthread_create(
            &thread, nil,
            { context in
                let turn = Unmanaged<Turn>.fromOpaque(context!).takeRetainedValue()
                _ = peer_pin(turn.work.processor)
                turn.run()
                return nil
            }, context.toOpaque())
        guard status == 0 else {
            context.release()
            throw Failure("a second thread: \(String(cString: strerror(status)))")
        }
        return thread
    }
}
