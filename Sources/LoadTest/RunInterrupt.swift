// Ends a run before its time: nothing new is sent, what is in flight is waited for, and what was measured is told.

internal import Synchronization

public final class RunInterrupt: Sendable {
    private let flag = Atomic(false)

    public init() {}

    public func stop() { flag.store(true, ordering: .releasing) }

    var isStopped: Bool { flag.load(ordering: .acquiring) }
}
