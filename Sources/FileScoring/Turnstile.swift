// Blocks are given out in order, worked on at once, and put into the output in order.
//
//     claim() 0,1 ─► two threads score ─► await(0) writes, pass() ─► await(1) writes, pass()
//
// A thread that is ahead waits, so no more blocks are in memory than there are threads.

internal import Configuration
internal import Glibc

final class Turnstile: @unchecked Sendable {
    // SAFETY: everything below is read and written under `mutex`, which never moves.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private var nextBlock: Int
    private var turn: Int
    private let blockCount: Int
    private var error: ConfigurationError?

    init(first: Int, blockCount: Int) {
        mutex = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
        (nextBlock, turn, self.blockCount) = (first, first, blockCount)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(changed)
        mutex.deallocate()
        changed.deallocate()
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// The next block; nil: there is none, or the run has failed.
    func claim() -> Int? {
        locked {
            guard error == nil, nextBlock < blockCount else { return nil }
            nextBlock += 1
            return nextBlock - 1
        }
    }

    /// Waits until all blocks in front are written; false: the run has failed.
    func await(_ block: Int) -> Bool {
        locked {
            while turn != block, error == nil { pthread_cond_wait(changed, mutex) }
            return error == nil
        }
    }

    /// The block is written.
    func pass() {
        locked {
            turn += 1
            pthread_cond_broadcast(changed)
        }
    }

    /// Ends the run; the first failure stays.
    func fail(_ failure: ConfigurationError) {
        locked {
            if error == nil { error = failure }
            pthread_cond_broadcast(changed)
        }
    }

    var failure: ConfigurationError? { locked { error } }
}
