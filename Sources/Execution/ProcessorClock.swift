// Time for measurements: the processor time of the calling thread.
//
// A loader runs at the lowest priority beside traffic, so wall time would count what the other threads
// do in between: a model could be refused for a cost that it does not have.  Reading it is a system
// call (0.2 µs), so what is measured has to take longer by far.

internal import CLinux

enum ProcessorClock {
    static func nanos() -> UInt64 { clinux_thread_cpu() }

    /// What the body takes.
    static func nanos(_ body: () -> Void) -> UInt64 {
        let start = nanos()
        body()
        return nanos() - start
    }
}
