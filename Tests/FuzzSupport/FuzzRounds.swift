// How long a fuzz test runs, and from which seed.
//
//     var rounds = FuzzRounds(2000)
//     var random = SplitMix(seed: rounds.seed)
//     while rounds.next() { … }
//
// Without a setting it is the same inputs on every machine, however slow: a number of rounds and no clock. With
// SERIN_FUZZ_SECONDS the rounds go on for that long, and SERIN_FUZZ_SEED makes it another run:
//
//     ASAN_OPTIONS=detect_leaks=0 SERIN_FUZZ_SECONDS=300 swift test --sanitize=address --filter Fuzz
//
// (XCTest's own main leaks 144 bytes, which would fail the run.)

import Glibc

public struct FuzzRounds: Sendable {
    public let seed: UInt64
    private let least: Int
    private let end: ContinuousClock.Instant
    private var begun = 0

    /// At least so many rounds.
    public init(_ least: Int) {
        let setting = { (name: String) in getenv(name).flatMap { UInt64(String(cString: $0)) } }
        self.least = least
        seed = setting("SERIN_FUZZ_SEED") ?? 42
        end = .now + .seconds(Int(clamping: setting("SERIN_FUZZ_SECONDS") ?? 0))
    }

    /// Whether there is one more.
    public mutating func next() -> Bool {
        begun += 1
        return begun <= least || ContinuousClock.now < end
    }
}
