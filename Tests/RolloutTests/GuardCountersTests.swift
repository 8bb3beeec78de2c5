// The data plane's counters: what is counted where, when a cohort is final, and that nothing is counted twice or into a
// stranger's cohort.

import Testing

@testable import Rollout

@Suite struct GuardCountersTests {
    static let edges = (1..<16).map { Double($0) / 16 }
    static let shape = GuardCounterShape(
        budgetNanos: 10_000_000, deadlineNanos: 250_000_000, scoreEdges: edges, isSticky: false)

    static func answer(
        nanos: UInt64 = 1_000_000, isError: Bool = false, isFull: Bool = true, score: Double = 0.5,
        isPositive: Bool = false
    ) -> GuardOutcome {
        GuardOutcome(
            nanos: nanos, isError: isError, isFull: isFull, score: isError ? .nan : score, isPositive: isPositive)
    }

    static func counters(_ shape: GuardCounterShape = shape, shards: Int = 2) -> GuardCounters {
        let counters = GuardCounters(shape, shards: shards, startTick: 0)
        counters.announce(epoch: 1, share: 0.05, thresholds: SIMD4(1000, 2000, 3000, .max))
        counters.announce(epoch: 2, share: 0.25, thresholds: SIMD4(repeating: .max))
        return counters
    }

    @Test func shardsAddUp() throws {
        let counters = Self.counters()
        for shard in counters.shards {
            shard.begin(tick: 0)
            shard.settle(
                shard.route(.canary, epoch: 1, tick: 0), Self.answer(nanos: 2500, score: 0.99, isPositive: true))
            shard.settle(shard.route(.stable, epoch: 1, tick: 0), Self.answer(nanos: 10_000_001, score: -7))
            shard.settle(shard.route(.stable, epoch: 1, tick: 0), Self.answer(nanos: 500, isError: true))
            shard.settle(shard.route(.stable, epoch: 1, tick: 0), Self.answer(nanos: 500, isFull: false))
            shard.settle(.uncounted, Self.answer())
            shard.sleep()
        }
        let (final, open) = counters.collect(tick: 1)
        #expect(open.isEmpty)
        let cohort = try #require(final.first)
        #expect(final.count == 1 && cohort.second == nil && cohort.first.share == 0.05)
        let (stable, canary) = (cohort.first.stable, cohort.first.canary)
        #expect(canary.requests == 2 && canary.positives == 2 && canary.positiveEvents == 2 && canary.late == 0)
        #expect(canary.slower == SIMD4(2, 2, 0, 0))
        #expect(canary.scores[15] == 2 && canary.scores.wrappedSum() == 2)
        // A fallback's answer is late however fast it came, and has no score of the model.
        #expect(stable.requests == 6 && stable.late == 4 && stable.errors == 2 && stable.errorEvents == 2)
        #expect(stable.scores[0] == 2 && stable.scores.wrappedSum() == 2)
        #expect(counters.finalTick == 1)
    }

    /// By the tick of routing: an outcome that comes later belongs to the cohort that it was routed in.
    @Test func outcomesBelongToTheTickOfRouting() {
        let counters = Self.counters(shards: 1)
        let shard = counters.shards[0]
        shard.begin(tick: 3)
        let ticket = shard.route(.canary, epoch: 1, tick: 3)
        shard.settle(shard.route(.canary, epoch: 1, tick: 3), Self.answer())
        shard.begin(tick: 4)
        shard.settle(shard.route(.canary, epoch: 1, tick: 4), Self.answer())
        var (final, open) = counters.collect(tick: 5)
        #expect(final.isEmpty && open.map(\.tick) == [3, 4])
        // A budget after the end of the tick the pending one is known to be late; a tick earlier it is taken as good.
        #expect(open[0].first.canary.requests == 2 && open[0].first.canary.late == 1)
        #expect(counters.collect(tick: 4).open[0].first.canary.late == 0)
        shard.begin(tick: 5)
        shard.settle(ticket, Self.answer(nanos: 200_000_000))
        (final, open) = counters.collect(tick: 6)
        #expect(final.map(\.tick) == [3, 4])
        #expect(final[0].first.canary.late == 1 && final[1].first.canary.late == 0)
    }

    /// What is pending when its last deadline has passed is late, and no longer waited for.
    @Test func aStuckCandidateIsLateAtTheDeadline() {
        let counters = Self.counters(shards: 1)
        let shard = counters.shards[0]
        shard.begin(tick: 0)
        let marked = shard.route(.canary, epoch: 1, tick: 0)
        let stuck = shard.route(.canary, epoch: 1, tick: 0)
        for tick in 1..<counters.shape.deadlineTicks { #expect(counters.collect(tick: tick).final.isEmpty) }
        // The reactor itself is stuck in tick 0: it never said that it goes on.
        let final = counters.collect(tick: counters.shape.deadlineTicks).final
        #expect(final.count == 1 && final[0].first.canary.late == 2 && final[0].first.canary.requests == 2)
        // An answer after all changes nothing any more.
        shard.settle(stuck, Self.answer())
        #expect(counters.collect(tick: 40).final.isEmpty)
        #expect(counters.unsettled == 1)
        shard.settle(marked, Self.answer())
        #expect(counters.unsettled == 0)
    }

    @Test func aTickMayHoldTwoEpochs() throws {
        let counters = Self.counters()
        counters.shards[0].begin(tick: 7)
        counters.shards[1].begin(tick: 7)
        let late = counters.shards[0].route(.stable, epoch: 1, tick: 7)
        let early = counters.shards[1].route(.canary, epoch: 2, tick: 7)
        counters.shards[0].settle(late, Self.answer())
        counters.shards[1].settle(early, Self.answer())
        for shard in counters.shards { shard.sleep() }
        let cohort = try #require(counters.collect(tick: 8).final.first)
        #expect(cohort.first.epoch == 1 && cohort.first.share == 0.05 && cohort.first.stable.requests == 1)
        let second = try #require(cohort.second)
        #expect(second.epoch == 2 && second.share == 0.25 && second.canary.requests == 1)
    }

    /// A slot that was taken again belongs to its new cohort alone.
    @Test func aTicketOfAnEarlierLapIsDropped() {
        let counters = Self.counters(shards: 1)
        let shard = counters.shards[0]
        let old = shard.route(.canary, epoch: 1, tick: 0)
        for tick in 1...UInt64(counters.slotCount) { _ = shard.route(.stable, epoch: 1, tick: tick) }
        shard.settle(old, Self.answer(isError: true))
        shard.sleep()
        let all = counters.collect(tick: UInt64(counters.slotCount) + 100).final
        #expect(all.count == counters.slotCount)
        #expect(all.allSatisfy { $0.first.canary.errors == 0 })
    }

    /// By the first request of a key, whichever arm and reactor it comes to; not by its first event.
    @Test func onlyAKeysFirstRequestIsAnEvent() throws {
        var shape = Self.shape
        shape.isSticky = true
        let counters = Self.counters(shape)
        for tick in 0..<3 as Range<UInt64> {
            for shard in counters.shards {
                shard.begin(tick: tick)
                for arm in [GuardArm.stable, .canary] {
                    func settle(_ key: UInt64, _ outcome: GuardOutcome) {
                        shard.settle(shard.route(arm, epoch: 1, tick: tick, keyHash: key), outcome)
                    }
                    settle(77, Self.answer(isError: true))
                    settle(78, Self.answer(isPositive: true))
                    // Harmless at first, in stable; what it does later, in the canary, is no event.
                    settle(79, Self.answer(isPositive: arm == .canary))
                }
                shard.sleep()
            }
        }
        let final = counters.collect(tick: 3).final
        let all = final.flatMap { [$0.first.stable, $0.first.canary] }
        #expect(all.reduce(0) { $0 + $1.errorEvents } == 1)
        #expect(all.reduce(0) { $0 + $1.positiveEvents } == 1)
        #expect(all.reduce(0) { $0 + $1.scores.wrappedSum() } == 2)
        // The absolute test never caps by key.
        #expect(all.reduce(0) { $0 + $1.errors } == 12 && all.reduce(0) { $0 + $1.positives } == 18)
    }

    @Test func quantilesOfStableBecomeThresholds() {
        let counters = Self.counters(shards: 1)
        let shard = counters.shards[0]
        for index in 0..<2000 as Range<UInt64> {
            shard.settle(shard.route(.stable, epoch: 1, tick: 0), Self.answer(nanos: index < 1980 ? 60_000 : 9_500_000))
        }
        let stable = counters.latencies(of: .stable)
        let thresholds = counters.thresholds(of: stable, toleranceNanos: 1_000_000)
        for quantile in 0..<3 { #expect((1_060_000...1_064_000).contains(thresholds[quantile])) }
        // p99 is between the two; a threshold above the budget is dropped.
        #expect(thresholds[3] == 1_000_000 + LatencyBuckets.upperBound(of: LatencyBuckets.bucket(of: 60_000)))
        #expect(counters.thresholds(of: stable, toleranceNanos: 10_000_000) == SIMD4(repeating: .max))
        #expect(counters.thresholds(of: LatencyHistogram(), toleranceNanos: 1) == SIMD4(repeating: .max))
    }

    @Test func bucketsAreMonotoneAndWithinASixteenth() {
        var last = -1
        for exponent in 0..<45 {
            for fraction in 0..<40 as Range<UInt64> {
                let nanos = UInt64(1) << UInt64(exponent) + fraction * (UInt64(1) << UInt64(exponent)) / 40
                let bucket = LatencyBuckets.bucket(of: nanos)
                #expect(bucket >= last && bucket < LatencyBuckets.count)
                last = bucket
                let bound = LatencyBuckets.upperBound(of: bucket)
                if bucket < LatencyBuckets.count - 1 {
                    #expect(bound >= nanos && Double(bound) <= Double(nanos) * 17 / 16 + 1)
                }
            }
        }
    }

    @Test func scoresFallIntoHalfOpenBins() throws {
        let counters = Self.counters(shards: 1)
        let shard = counters.shards[0]
        for (tick, score) in [-1.0, 0, 1 / 16.0, 0.0624, 0.5, 0.9375, 1, .infinity, .nan].enumerated() {
            shard.settle(shard.route(.stable, epoch: 1, tick: UInt64(tick)), Self.answer(score: score))
        }
        shard.sleep()
        let bins = counters.collect(tick: 9).final.map { cohort in
            (0..<16).first { cohort.first.stable.scores[$0] > 0 }
        }
        #expect(bins == [0, 0, 1, 0, 8, 15, 15, 15, nil])
    }
}
