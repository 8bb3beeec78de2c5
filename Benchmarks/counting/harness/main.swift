// What counting costs: for the guard, a request, routed and settled with its latency, decision, score and key; for drift,
// a row of fraud/1's 32 features and its score (DriftCost).
//
//     counting [nanoseconds [nanoseconds]]      prints the costs; exit code 1 above the limits (20 and 150)
//
// Outcomes are drawn before the clock starts, and as irregular as traffic is: latencies from 20 µs to 20 ms, 1% errors, 2%
// positives, scores over all bins, a tick every 100 requests.  The least of many short repetitions: what the machine does
// besides is not the counters' cost.

import Glibc
import Rollout

let limit = CommandLine.arguments.dropFirst().first.flatMap(Double.init) ?? 20
let requests = 1 << 14

func outcomes(isSticky: Bool) -> [(arm: GuardArm, key: UInt64, outcome: GuardOutcome)] {
    (0..<requests).map { _ in
        let nanos = UInt64(20_000 * pow(1000, Double.random(in: 0..<1)))
        let luck = Double.random(in: 0..<1)
        let outcome = GuardOutcome(
            nanos: nanos, isError: luck < 0.01, isFull: luck < 0.999,
            score: luck < 0.01 ? .nan : Double.random(in: 0..<1),
            isPositive: luck > 0.98 && luck < 0.999)
        let arm = Double.random(in: 0..<1) < 0.05 ? GuardArm.canary : .stable
        return (arm, isSticky ? UInt64.random(in: 1 ... .max) : 0, outcome)
    }
}

func nanosNow() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Nanoseconds a request: the least of the repetitions.
func cost(isSticky: Bool) -> Double {
    let shape = GuardCounterShape(
        budgetNanos: 10_000_000, deadlineNanos: 100_000_000, scoreEdges: (1..<16).map { Double($0) / 16 },
        isSticky: isSticky)
    let counters = GuardCounters(shape, shards: 1, startTick: 0)
    counters.announce(epoch: 1, share: 0.05, thresholds: SIMD4(200_000, 2_000_000, 4_000_000, 9_000_000))
    let shard = counters.shards[0]
    let outcomes = outcomes(isSticky: isSticky)
    var least = Double.infinity
    var tick: UInt64 = 0
    for _ in 0..<300 {
        let started = nanosNow()
        outcomes.withUnsafeBufferPointer { outcomes in
            for index in 0..<requests {
                if index % 100 == 0 {
                    tick += 1
                    shard.begin(tick: tick)
                }
                let ticket = shard.route(outcomes[index].arm, epoch: 1, tick: tick, keyHash: outcomes[index].key)
                shard.settle(ticket, outcomes[index].outcome)
            }
        }
        least = min(least, Double(nanosNow() - started) / Double(requests))
    }
    return least
}

var isWithin = true
for isSticky in [false, true] {
    let nanos = cost(isSticky: isSticky)
    isWithin = isWithin && nanos <= limit
    print("counting\(isSticky ? ", sticky keys" : ""): \((nanos * 10).rounded() / 10) ns a request")
}
let driftLimit = CommandLine.arguments.dropFirst(2).first.flatMap(Double.init) ?? 150
for isDouble in [false, true] {
    let nanos = try DriftCost.measure(bundle: "models/fraud/1", isDouble: isDouble)
    isWithin = isWithin && nanos <= driftLimit
    print("drift, \(isDouble ? "doubles" : "floats"): \((nanos * 10).rounded() / 10) ns a row")
}
print(isWithin ? "PASS" : "FAIL: more than \(limit) ns, or \(driftLimit) ns for drift")
exit(isWithin ? 0 : 1)
