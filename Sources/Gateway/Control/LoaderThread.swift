// A thread that loads, one version after another, and gives way to everything else.
//
// pthread's mutex and not Synchronization's: that one's waiting is inside its library, where the thread sanitizer does not see
// what it orders, and a thread that gives way to everything else is waited for often.

import CLinux
import Glibc
import Reactor
import Synchronization

/// SAFETY: what changes is read and written between `pthread_mutex_lock` and `pthread_mutex_unlock` only.
final class LoaderThread: @unchecked Sendable {
    private var jobs: [@Sendable () -> Void] = []
    private var isRunning = false
    private var isStopped = false
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Begins no more jobs, and waits for the one under way; false: it is not done within `nanos` nanoseconds.
    func stop(within nanos: UInt64) -> Bool {
        locked { isStopped = true }
        let deadline = clinux_now() + nanos
        while locked({ isRunning }) {
            if clinux_now() >= deadline { return false }
            usleep(500)
        }
        return true
    }

    /// Runs a job, and returns when it is done.
    func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
        let box = Box<Result>()
        submit { box.put(body()) }
        return box.take()
    }

    /// Runs a job behind those that wait; returns at once.
    func submit(_ job: @escaping @Sendable () -> Void) {
        let starts = locked {
            guard !isStopped else { return false }
            jobs.append(job)
            defer { isRunning = true }
            return !isRunning
        }
        if starts { ReactorThread.start("loader") { self.work() } }
    }

    private func work() {
        // A serving thread that becomes ready takes the processor at once.
        IdlePriority.take()
        while let job = next() { job() }
    }

    /// The next job; nil: there is none, and the thread is at its end.
    private func next() -> (@Sendable () -> Void)? {
        if let job = locked({ isStopped || jobs.isEmpty ? nil : jobs.removeFirst() }) { return job }
        clinux_release_memory()
        return locked {
            if !isStopped, !jobs.isEmpty { return jobs.removeFirst() }
            isRunning = false
            return nil
        }
    }

    /// Where a result is waited for.
    private final class Box<Value: Sendable>: Sendable {
        private let value = Mutex<Value?>(nil)

        func put(_ result: Value) { value.withLock { $0 = result } }

        func take() -> Value {
            while true {
                if let result = value.withLock({ $0 }) { return result }
                usleep(500)
            }
        }
    }
}
