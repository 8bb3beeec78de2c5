// SIGINT and SIGTERM of a load test.
//
//     before the run ─► end, at once      first in the run ─► end early, with the results      again ─► end, at once
//
// They are blocked before any thread starts, so every thread inherits the mask and none is interrupted; a thread of their
// own takes them, because a handler could do next to nothing.

internal import Glibc
internal import LoadTest
internal import Synchronization

final class RunSignals: Sendable {
    /// What the first signal stops; nil: nothing runs yet, or it was stopped. The main thread sets it, the signals' takes it.
    private let interrupt = Mutex<RunInterrupt?>(nil)
    private let atEnd: @Sendable () -> Void

    /// Blocks the signals for this thread and those it starts, and ignores SIGPIPE: a reader that leaves is an error of
    /// that file alone.
    /// - Parameter atEnd: done before a signal ends the process.
    init(atEnd: @escaping @Sendable () -> Void) {
        self.atEnd = atEnd
        signal(SIGPIPE, SIG_IGN)
        var set = Self.signals()
        pthread_sigmask(SIG_BLOCK, &set, nil)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<RunSignals>.fromOpaque(context.unsafelyUnwrapped).takeRetainedValue().take()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(code == 0, "the kernel gave no thread")
        pthread_detach(thread)
    }

    /// From now on the first signal ends the run early.
    func arm(_ interrupt: RunInterrupt) { self.interrupt.withLock { $0 = interrupt } }

    private static func signals() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        return set
    }

    private func take() {
        var set = Self.signals()
        while true {
            let number = sigwaitinfo(&set, nil)
            guard number > 0 else { continue }
            let armed = interrupt.withLock { interrupt in
                defer { interrupt = nil }
                return interrupt
            }
            if let armed {
                armed.stop()
                Terminal.writeError("\nserin: interrupted: waits for what is in flight; a second signal ends at once\n")
            } else {
                end(number)
            }
        }
    }

    /// Ends the process as if the signal had never been blocked.
    private func end(_ number: Int32) {
        atEnd()
        signal(number, SIG_DFL)
        var set = Self.signals()
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
        raise(number)
    }
}
