// What a batch of n rows takes: the model's own measurement at load, held to what batches really take.
//
//     nanos(n) = factor × (fixed + perRow × n)
//
// `fixed` and `perRow` follow from a row's cost alone and in a batch of 64, which a version measures when it is loaded.
// The factor follows what batches take here and now (other threads, other machines' neighbours, a slow clock):
// an average over about eight batches, in which none counts as more than twice what was expected, so that one preempted
// batch moves it by an eighth. What was learnt long ago counts half, and admission may ask for a look (`takeProbe`):
// a factor so high that nothing is let in would otherwise never be corrected.

internal import Synchronization

// SAFETY: each is one word, stored by whoever ends a batch or asks for a probe and loaded by anybody, relaxed: every
// value that the factor has had is a fair estimate.
public struct BatchCost: ~Copyable, @unchecked Sendable {
    private static let one: Double = 1024
    /// A batch that was interrupted says little; nor does a clock that stood.
    private static let factorMin = 0.25, factorMax = 64.0
    /// After so long without a batch the factor is old.
    static let probeNanos: UInt64 = 100_000_000

    private let fixedNanos: Double
    private let rowNanos: Double
    private let factor = Atomic<UInt32>(UInt32(one))
    /// When a batch last ended.
    private let observedAt = Atomic<UInt64>(0)
    /// When a probe was last let in.
    private let probedAt = Atomic<UInt64>(0)

    /// Of a version that takes `alone` nanoseconds for one row, and `inBatch` a row for 64 of them.
    public init(alone: Double, inBatch: Double) {
        let single = max(alone, 1)
        rowNanos = min(max((64 * inBatch - single) / 63, 0.5), single)
        fixedNanos = single - rowNanos
    }

    /// What `rows` rows take by the measurement at load.
    public func planned(_ rows: Int) -> Double { fixedNanos + rowNanos * Double(rows) }

    /// What `rows` rows in one batch take.
    public func nanos(_ rows: Int) -> UInt64 {
        UInt64(planned(rows) * Double(factor.load(ordering: .relaxed)) / Self.one)
    }

    /// The most rows that a batch of `nanos` can have; at least one.
    public func rows(in nanos: UInt64) -> Int {
        let span = Double(nanos) * Self.one / Double(factor.load(ordering: .relaxed))
        return Int(min(max((span - fixedNanos) / rowNanos, 1), 1e6))
    }

    /// A batch of `rows` has taken `nanos`, and ended at `now`.
    public func observe(rows: Int, nanos: UInt64, now: UInt64) {
        let old = Double(factor.load(ordering: .relaxed)) / Self.one
        let seen = min(max(Double(nanos) / planned(rows), Self.factorMin), Self.factorMax, 2 * old)
        let isOld = now &- observedAt.load(ordering: .relaxed) >= Self.probeNanos
        observedAt.store(now, ordering: .relaxed)
        factor.store(UInt32((old + (seen - old) / (isOld ? 2 : 8)) * Self.one), ordering: .relaxed)
    }

    /// True once for every `probeNanos` without a batch: the caller may run one, whatever the factor says.
    func takeProbe(now: UInt64) -> Bool {
        let last = probedAt.load(ordering: .relaxed)
        guard now >= max(last, observedAt.load(ordering: .relaxed)) + Self.probeNanos else { return false }
        return probedAt.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
    }
}
