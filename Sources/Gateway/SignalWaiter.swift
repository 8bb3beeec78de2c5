// The signals of the process, taken by the main thread in its own time.
//
//     SIGTERM, SIGINT ─► end      SIGHUP ─► read the configuration again
//     SIGUSR2 ─► start a successor      SIGUSR1 ─► it serves (from the thread that handed over)
//
// They are blocked before any thread starts, so every thread inherits the mask and none is interrupted.

import CLinux
import Glibc

final class SignalWaiter {
    enum Signal { case end, hangup, upgrade, handedOver }

    private var set = sigset_t()

    /// Blocks the signals for this thread and those it starts, and ignores SIGPIPE.
    init() {
        signal(SIGPIPE, SIG_IGN)
        sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2] { sigaddset(&set, number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// The next signal; nil: none came within so many nanoseconds. Without a time it waits for ever.
    func next(within nanos: UInt64? = nil) -> Signal? {
        while true {
            let number: Int32
            if let nanos {
                var timeout = timespec(tv_sec: Int(nanos / 1_000_000_000), tv_nsec: Int(nanos % 1_000_000_000))
                number = sigtimedwait(&set, nil, &timeout)
                if number < 0 && errno == EAGAIN { return nil }
            } else {
                number = sigwaitinfo(&set, nil)
            }
            if number > 0 { return Self.meaning(number) }
        }
    }

    private static func meaning(_ number: Int32) -> Signal {
        switch number {
        case SIGHUP: .hangup
        case SIGUSR1: .handedOver
        case SIGUSR2: .upgrade
        default: .end
        }
    }

    /// True when a signal to end comes within so many nanoseconds; a draining process reads nothing again.
    func endArrives(within nanos: UInt64) -> Bool {
        let deadline = clinux_now() + nanos
        while true {
            let now = clinux_now()
            guard let signal = next(within: deadline > now ? deadline - now : 0) else { return false }
            if signal == .end { return true }
        }
    }
}
