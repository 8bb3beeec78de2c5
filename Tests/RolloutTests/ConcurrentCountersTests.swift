// Two reactors write while the collector reads: every request is in exactly one final cohort, with its outcome.

import Synchronization
import Testing

@testable import Rollout

@Suite struct ConcurrentCountersTests {
    /// How far each has come.
    private final class Progress: Sendable {
        let first = Atomic<UInt64>(0)
        let second = Atomic<UInt64>(0)
        let collected = Atomic<UInt64>(0)

        var slower: UInt64 { min(first.load(ordering: .acquiring), second.load(ordering: .acquiring)) }

        func reach(_ tick: UInt64, shard: Int) {
            if shard == 0 { first.store(tick, ordering: .releasing) } else { second.store(tick, ordering: .releasing) }
        }
    }

    private static let ticks: UInt64 = 300
    private static let requests = 40

    /// Each tick routes requests, and settles those of the tick before: a third late, a quarter failed.
    private static func write(_ shard: GuardShard, index: Int, _ progress: Progress) async {
        var pending: [GuardTicket] = []
        for tick in 0..<ticks {
            // The ring is bounded; so is the lead.
            while tick > progress.collected.load(ordering: .acquiring) + 16 { await Task.yield() }
            shard.begin(tick: tick)
            progress.reach(tick, shard: index)
            var routed = (0..<requests).map { shard.route($0 % 5 == 0 ? .canary : .stable, epoch: 1, tick: tick) }
            for (number, ticket) in pending.enumerated() {
                let nanos: UInt64 = number % 3 == 0 ? 20_000_000 : 1_000_000
                shard.settle(ticket, GuardCountersTests.answer(nanos: nanos, isError: number % 4 == 0))
            }
            swap(&pending, &routed)
        }
        for ticket in pending { shard.settle(ticket, GuardCountersTests.answer()) }
        shard.sleep()
        progress.reach(ticks + 3, shard: index)
    }

    @Test func nothingIsLostOrCountedTwice() async {
        let counters = GuardCountersTests.counters()
        let progress = Progress()
        var final: [Cohort] = []
        await withTaskGroup(of: Void.self) { group in
            for (index, shard) in counters.shards.enumerated() {
                group.addTask { await Self.write(shard, index: index, progress) }
            }
            while counters.finalTick < Self.ticks {
                final += counters.collect(tick: progress.slower).final
                progress.collected.store(counters.finalTick, ordering: .releasing)
                await Task.yield()
            }
        }
        #expect(final.map(\.tick) == Array(0..<Self.ticks))
        for cohort in final {
            let (stable, canary) = (cohort.first.stable, cohort.first.canary)
            #expect(stable.requests == 64 && canary.requests == 16)
            // The last tick's requests all end well.
            let isLast = cohort.tick == Self.ticks - 1
            #expect(stable.late + canary.late == (isLast ? 0 : 28))
            #expect(stable.errors + canary.errors == (isLast ? 0 : 20))
        }
    }
}
