// The request that stands for a bucket of a histogram: its trace, so that a slow bucket on a graph leads to a slow request.
//
//     slot, 64 bytes, a line of its own:  [ sequence | trace, high | trace, low | value | at | unused × 3 ]
//
// One slot a bucket and shard, written by the shard's thread only, for requests whose trace somebody keeps. A scrape reads
// each slot once, and takes the newest of the shards. The sequence is odd while a slot is written, so what is
// torn is left out, and nobody waits.

import Synchronization

/// What a scrape shows of one bucket.
struct Exemplar {
    var trace: (high: UInt64, low: UInt64)
    /// In the histogram's own unit: nanoseconds, or a plain number.
    var value: UInt64
    /// In nanoseconds of the monotonic clock.
    var at: UInt64

    /// 32 hexadecimal digits.
    var traceText: String { Self.digits(trace.high) + Self.digits(trace.low) }

    private static func digits(_ word: UInt64) -> String {
        let text = String(word, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
}

enum ExemplarSlot {
    /// Words of a slot.
    static let words = 8

    /// nil: nothing is in it, or it is just being written.
    static func read(_ slot: UnsafeMutablePointer<Atomic<UInt64>>) -> Exemplar? {
        // SAFETY: a seqlock. The writer makes the sequence odd, then (release fence) writes the words, then stores the
        // even sequence with a release; whoever reads the same even sequence before (acquire) and after (acquire fence)
        // has words of one exemplar. All are atomic words, so that a torn read is stale, not undefined.
        let sequence = slot[0].load(ordering: .acquiring)
        guard sequence > 0, sequence & 1 == 0 else { return nil }
        let exemplar = Exemplar(
            trace: (slot[1].load(ordering: .relaxed), slot[2].load(ordering: .relaxed)),
            value: slot[3].load(ordering: .relaxed), at: slot[4].load(ordering: .relaxed))
        atomicMemoryFence(ordering: .acquiring)
        return slot[0].load(ordering: .relaxed) == sequence ? exemplar : nil
    }
}

extension MetricsShard {
    /// The request that was observed with `value` (nanoseconds, of seconds) at `now` of the monotonic clock has this trace.
    public func exemplify(_ id: HistogramID, value: UInt64, trace: (high: UInt64, low: UInt64), at now: UInt64) {
        guard id.exemplars >= 0 else { return }
        let slot = exemplars + (Int(id.exemplars) + id.bucket(of: value)) * ExemplarSlot.words
        let sequence = slot[0].load(ordering: .relaxed)
        slot[0].store(sequence &+ 1, ordering: .relaxed)
        atomicMemoryFence(ordering: .releasing)
        slot[1].store(trace.high, ordering: .relaxed)
        slot[2].store(trace.low, ordering: .relaxed)
        slot[3].store(value, ordering: .relaxed)
        slot[4].store(now, ordering: .relaxed)
        slot[0].store(sequence &+ 2, ordering: .releasing)
    }
}
