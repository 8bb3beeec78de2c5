// A seeded mutator that knows the tokens of what it mutates, and keeps what was accepted.
//
// How long, and from which seed: FuzzRounds.

import FuzzSupport
import Glibc
import Testing

struct Fuzzer {
    let name: String
    let tokens: [String]
    private var corpus: [[UInt8]]
    private var random: SplitMix
    private var rounds = FuzzRounds(500)
    private(set) var accepted = 0
    private(set) var refused = 0
    private var slowest = Duration.zero

    init(_ name: String, seeds: [String], tokens: [String]) {
        self.name = name
        self.tokens = tokens
        corpus = seeds.map { Array($0.utf8) }
        random = SplitMix(seed: rounds.seed)
    }

    /// Hands mutated inputs to `accepts`, which says whether the parser took one.
    mutating func run(_ accepts: ([UInt8]) -> Bool) {
        while rounds.next() {
            let input = mutated()
            let started = Self.threadTime()
            if accepts(input) {
                accepted += 1
                if corpus.count < 400 && input.count < 8000 { corpus.append(input) }
            } else {
                refused += 1
            }
            slowest = max(slowest, Self.threadTime() - started)
        }
        print("fuzz \(name): \(accepted) accepted, \(refused) refused, slowest \(slowest)")
        #expect(accepted > 0 && refused > 0)
        #expect(slowest < .seconds(2))
    }

    /// What the thread has computed: how long others kept it waiting does not count.
    private static func threadTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    private mutating func mutated() -> [UInt8] {
        var input = corpus.randomElement(using: &random)!
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0...input.count, using: &random)
            let end = min(input.count, place + Int.random(in: 0...12, using: &random))
            switch Int.random(in: 0..<7, using: &random) {
            case 0: input.insert(contentsOf: tokens.randomElement(using: &random)!.utf8, at: place)
            case 1: input.removeSubrange(place..<end)
            case 2: input.insert(contentsOf: input[place..<end], at: place)
            case 3: if place < input.count { input[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
            case 4: input = Array(input[..<place])
            case 5: swapLines(&input)
            default: input.replaceSubrange(place..<end, with: tokens.randomElement(using: &random)!.utf8)
            }
        }
        return input
    }

    private mutating func swapLines(_ input: inout [UInt8]) {
        var lines = input.split(separator: 0x0a, omittingEmptySubsequences: false)
        let (first, second) = (
            lines.indices.randomElement(using: &random)!, lines.indices.randomElement(using: &random)!
        )
        lines.swapAt(first, second)
        input = Array(lines.joined(separator: [0x0a]))
    }
}
