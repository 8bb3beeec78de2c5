// The signals that end the process, taken by the main thread in its own time.
//
// They are blocked before any thread starts, so every thread inherits the mask and none is interrupted.

import CLinux
import Glibc

final class SignalWaiter {
    private var set = sigset_t()

    /// Blocks SIGTERM and SIGINT for this thread and those it starts, and ignores SIGPIPE.
    init() {
        signal(SIGPIPE, SIG_IGN)
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Returns when a signal has come.
    func wait() {
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
    }

    /// True when a signal comes within so many nanoseconds.
    func arrives(within nanos: UInt64) -> Bool {
        var timeout = timespec(tv_sec: Int(nanos / 1_000_000_000), tv_nsec: Int(nanos % 1_000_000_000))
        return sigtimedwait(&set, nil, &timeout) > 0
    }
}
