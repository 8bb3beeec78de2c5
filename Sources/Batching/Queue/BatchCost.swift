// What a batch of n rows takes: the model's own measurement at load, held to what batches really take.
//
//     nanos(n) = factor × (fixed + perRow × n)
//
// `fixed` and `perRow` follow from a row's cost alone and in a batch of 64, which a version measures when it is loaded.
// The factor follows what batches take here and now (other threads, other machines' neighbours, a slow clock):
// an average over about eight batches, so that one preempted batch does not move it far.

internal import Synchronization

// SAFETY: the factor is stored by whoever ends a batch and loaded by anybody, both relaxed: it is one word, and every
// value it has had is a fair estimate.
public struct BatchCost: ~Copyable, @unchecked Sendable {
    private static let one: Double = 1024
    /// A batch that was interrupted says little; nor does a clock that stood.
    private static let factorMin = 0.25, factorMax = 64.0

    private let fixedNanos: Double
    private let rowNanos: Double
    private let factor = Atomic<UInt32>(UInt32(one))

    /// Of a version that takes `alone` nanoseconds for one row, and `inBatch` a row for 64 of them.
    public init(alone: Double, inBatch: Double) {
        let single = max(alone, 1)
        rowNanos = min(max((64 * inBatch - single) / 63, 0.5), single)
        fixedNanos = single - rowNanos
    }

    private func planned(_ rows: Int) -> Double { fixedNanos + rowNanos * Double(rows) }

    /// What `rows` rows in one batch take.
    public func nanos(_ rows: Int) -> UInt64 {
        UInt64(planned(rows) * Double(factor.load(ordering: .relaxed)) / Self.one)
    }

    /// The most rows that a batch of `nanos` can have; at least one.
    public func rows(in nanos: UInt64) -> Int {
        let span = Double(nanos) * Self.one / Double(factor.load(ordering: .relaxed))
        return Int(min(max((span - fixedNanos) / rowNanos, 1), 1e6))
    }

    /// A batch of `rows` has taken `nanos`.
    public func observe(rows: Int, nanos: UInt64) {
        let old = Double(factor.load(ordering: .relaxed)) / Self.one
        let seen = min(max(Double(nanos) / planned(rows), Self.factorMin), Self.factorMax)
        factor.store(UInt32((old + (seen - old) / 8) * Self.one), ordering: .relaxed)
    }
}
