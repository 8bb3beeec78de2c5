// A cost is the processor's time: what others do on the machine meanwhile is no part of it.

import Glibc
import Testing

@testable import Execution

@Suite struct ScoringCostTests {
    @Test func aThreadThatWaitsCostsNothing() {
        // Wall time would give 2 ms for a row.
        let cost = ScoringCost(featureCount: 2, outputCount: 1, scoreBytes: 8, scratchBytes: 64) { _, _ in
            usleep(2_000)
        }
        #expect(cost.nanosAlone > 0 && cost.nanosAlone < 1_000_000)
        #expect(cost.nanosInBatch > 0 && cost.nanosInBatch < 1_000_000)
    }
}
