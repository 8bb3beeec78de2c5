// Executors that do not come back.
//
// A scorer cannot be interrupted: code that hangs (a fault in a kernel, a page that never comes) has its thread. So the
// supervisor looks four times in `stuckNanos`. A batch that takes longer than that, and than four times what a batch of
// its version should, is reported, and another thread takes the place of its own, so that the other requests and the
// other models go on. Requests in the batch were answered by their deadlines; what the thread still writes lies in
// slots that wait for it. When it comes back it delivers, and ends.
//
// A version can hold no more threads than may run it: then it counts as stuck, and refuses. There are three
// spares a thread; when these are gone too, only the report is left.

internal import CLinux
internal import Synchronization

extension ExecutorPool {
    /// The supervisor's thread.
    func supervise() {
        while !isStopping.load(ordering: .acquiring) {
            let key = supervisorBell.prepare()
            supervisorBell.sleep(since: key, nanos: settings.stuckNanos / 4)
            replaceStuck(at: clinux_now())
        }
    }

    /// Replaces every thread whose batch is stuck at `now`.
    func replaceStuck(at now: UInt64) {
        for index in 0..<slotCount where slots[index].isAlive.load(ordering: .acquiring) {
            guard let (version, since) = slots[index].replaceIfStuck(at: now) else { continue }
            // The thread keeps the queue until `isHandled`.
            let tag = Unmanaged<VersionQueue>.fromOpaque(version)._withUnsafeGuaranteedRef { queue in
                queue.stuck.wrappingAdd(1, ordering: .relaxed)
                return queue.tag
            }
            // It takes no batch any more: it sees the version that it runs, which its requests keep, and no other.
            hooks.quiescent(index, Self.away)
            countReplacement()
            hooks.stuck(tag, now - since, isStopping.load(ordering: .relaxed) ? false : startExecutor())
            slots[index].isHandled.store(true, ordering: .releasing)
        }
    }
}
