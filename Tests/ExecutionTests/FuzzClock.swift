// How long a fuzz test runs: two seconds, or SERIN_FUZZ_SECONDS; from SERIN_FUZZ_SEED, or 1.
//
//     SERIN_FUZZ_SECONDS=300 swift test --sanitize=address --filter Fuzz

import Foundation

struct FuzzClock {
    let seed: UInt64
    private let end: ContinuousClock.Instant
    private let clock = ContinuousClock()

    init() {
        let environment = ProcessInfo.processInfo.environment
        seed = environment["SERIN_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
        end = clock.now + .seconds(environment["SERIN_FUZZ_SECONDS"].flatMap { Double($0) } ?? 2)
    }

    var isRunning: Bool { clock.now < end }
}
