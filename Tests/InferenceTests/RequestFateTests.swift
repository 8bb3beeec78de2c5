import Glibc
import Synchronization
import Testing

@testable import Inference

@Suite struct RequestFateTests {
    @Test func whoeverComesFirstWins() {
        let fate = RequestFate()
        #expect(fate.abandoned == nil)
        #expect(fate.claim() && !fate.claim() && !fate.abandon(.cancelled))
        #expect(fate.abandoned == nil)
        fate.renew()
        #expect(fate.abandon(.expired) && !fate.abandon(.cancelled) && !fate.claim())
        #expect(fate.abandoned == .expired)
        fate.renew()
        #expect(fate.abandon(.cancelled) && fate.abandoned == .cancelled)
    }

    /// A runner on a thread of its own claims while this one abandons: each request is run or abandoned, never both
    /// and never neither, and what was written before is seen by who wins.
    @Test func aRunnerAndTheReactorNeverBothHaveIt() {
        let shared = Shared(count: 20_000)
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { context in
                let shared = Unmanaged<Shared>.fromOpaque(context!).takeUnretainedValue()
                for index in 0..<shared.count {
                    while shared.turn.load(ordering: .relaxed) < index {}
                    if shared.fates[index].claim() { shared.runs[index] += 1 }
                }
                return nil
            }, Unmanaged.passUnretained(shared).toOpaque())
        for index in 0..<shared.count {
            shared.turn.store(index, ordering: .relaxed)
            if shared.fates[index].abandon(.cancelled) { shared.runs[index] += 2 }
        }
        shared.turn.store(shared.count, ordering: .relaxed)
        pthread_join(thread, nil)
        for index in 0..<shared.count {
            #expect(shared.runs[index] == (shared.fates[index].abandoned == nil ? 1 : 2))
        }
    }

    // SAFETY: an element of `runs` is written by who has won its fate; the join comes before it is read.
    private final class Shared: @unchecked Sendable {
        let count: Int
        let fates: UnsafeMutablePointer<RequestFate>
        let runs: UnsafeMutablePointer<Int>
        let turn = Atomic<Int>(-1)

        init(count: Int) {
            self.count = count
            fates = .allocate(capacity: count)
            for index in 0..<count { (fates + index).initialize(to: RequestFate()) }
            runs = .allocate(capacity: count)
            runs.initialize(repeating: 0, count: count)
        }

        deinit {
            fates.deinitialize(count: count)
            fates.deallocate()
            runs.deallocate()
        }
    }
}
