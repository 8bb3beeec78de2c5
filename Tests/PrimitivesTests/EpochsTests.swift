import Synchronization
import Testing

@testable import Primitives

/// A value that says when it is gone; `word` is overwritten first, so that a reader of freed memory sees it.
private final class Witness: @unchecked Sendable {
    let word: UnsafeMutablePointer<Int>
    private let freed: Counter

    init(_ number: Int, _ freed: Counter) {
        word = .allocate(capacity: 1)
        word.initialize(to: number)
        self.freed = freed
    }

    deinit {
        word.pointee = -1
        word.deallocate()
        freed.value.add(1, ordering: .relaxed)
    }
}

private final class Counter: Sendable {
    let value = Atomic<Int>(0)
}

@Suite struct EpochsTests {
    @Test func aValueIsFreedWhenEverySeatHasPassedIt() {
        let freed = Counter()
        let publication = Publication(Witness(1, freed), seats: 2)
        publication.epochs.announce(1, seat: 0)
        publication.epochs.announce(1, seat: 1)
        #expect(publication.publish(Witness(2, freed)) == 2)
        #expect(publication.collect() == 1 && freed.value.load(ordering: .relaxed) == 0)
        publication.epochs.announce(2, seat: 0)
        #expect(publication.collect() == 1 && freed.value.load(ordering: .relaxed) == 0)
        publication.epochs.announce(2, seat: 1)
        #expect(publication.collect() == 0 && freed.value.load(ordering: .relaxed) == 1)
    }

    @Test func anEmptySeatHoldsNothingBackAndASlowOneHoldsAllThatCameAfterIt() {
        let freed = Counter()
        let publication = Publication(Witness(1, freed), seats: 3)
        publication.epochs.announce(1, seat: 1)
        for number in 2...10 { publication.publish(Witness(number, freed)) }
        #expect(publication.collect() == 9)
        publication.epochs.announce(5, seat: 1)
        #expect(publication.collect() == 5 && freed.value.load(ordering: .relaxed) == 4)
        publication.epochs.announce(Epochs.away, seat: 1)
        #expect(publication.collect() == 0 && freed.value.load(ordering: .relaxed) == 9)
    }

    private static func take(_ publication: Publication<Witness>) -> (UnsafeMutablePointer<Int>, UInt64, UInt) {
        let (value, generation) = publication.load()
        return (value.word, generation, UInt(bitPattern: Unmanaged.passUnretained(value).toOpaque()))
    }

    /// Readers go round while a writer replaces and frees: nobody ever reads a freed value.
    @Test func nobodySeesWhatIsFreed() async {
        let freed = Counter()
        let publication = Publication(Witness(1, freed), seats: 3)
        for seat in 0..<3 { publication.epochs.announce(1, seat: seat) }
        let wrong = await withTaskGroup(of: Int.self) { group in
            for seat in 0..<3 {
                group.addTask {
                    var wrong = 0
                    // Kept by nothing but the seat.
                    var (word, generation, address) = Self.take(publication)
                    for round in 0..<4000 {
                        if publication.address != address {
                            (word, generation, address) = Self.take(publication)
                        }
                        if word.pointee < 1 { wrong += 1 }
                        publication.epochs.announce(generation, seat: seat)
                        if round % 64 == 0 { await Task.yield() }
                    }
                    publication.epochs.announce(Epochs.away, seat: seat)
                    return wrong
                }
            }
            group.addTask {
                for number in 2...2000 {
                    publication.publish(Witness(number, freed))
                    publication.collect()
                    if number % 16 == 0 { await Task.yield() }
                }
                return 0
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
        #expect(publication.collect() == 0 && freed.value.load(ordering: .relaxed) == 1999)
    }
}
