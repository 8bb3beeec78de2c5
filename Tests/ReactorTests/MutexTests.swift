// A mutex that is waited for, as the thread sanitizer sees it: a test for builds with it.

import Glibc
import Reactor
import Synchronization
import Testing

@Suite struct MutexTests {
    @Test(.timeLimit(.minutes(1))) func whoWaitedSeesWhatTheHolderWrote() {
        let counter = Counter()
        counter.value.withLock { value in
            ReactorThread.start("waiter") {
                counter.isWaiting.store(true, ordering: .relaxed)
                counter.value.withLock { $0 += 1 }
            }
            while !counter.isWaiting.load(ordering: .relaxed) { usleep(100) }
            usleep(20_000)
            value += 1
        }
        while counter.value.withLock({ $0 }) != 2 { usleep(100) }
    }

    private final class Counter: Sendable {
        let value = Mutex(0)
        let isWaiting = Atomic(false)
    }
}
