// A thread that loads, one version after another, and gives way to everything else.

import CLinux
import Glibc
import Reactor
import Synchronization

final class LoaderThread: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isRunning = false
        var isStopped = false

        mutating func next() -> (@Sendable () -> Void)? { isStopped || jobs.isEmpty ? nil : jobs.removeFirst() }
    }

    private let state = Mutex(State())

    /// Begins no more jobs, and waits for the one under way; false: it is not done within `nanos` nanoseconds.
    func stop(within nanos: UInt64) -> Bool {
        state.withLock { $0.isStopped = true }
        let deadline = clinux_now() + nanos
        while state.withLock({ $0.isRunning }) {
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
        let starts = state.withLock { state in
            guard !state.isStopped else { return false }
            state.jobs.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
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
        if let job = state.withLock({ $0.next() }) { return job }
        clinux_release_memory()
        return state.withLock { state in
            let job = state.next()
            state.isRunning = job != nil
            return job
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
