// Live and ready, as orchestrators ask for them.
//
// Live: every reactor has gone round within 10 s; a process that is not is to be restarted. Ready:
// within 1 s, every required model has a ready stable version, and no drain has begun; a process that
// is not gets no new traffic.

import CLinux
import Reactor
import Synchronization

final class Health: Sendable {
    static let liveNanos: UInt64 = 10_000_000_000
    static let readyNanos: UInt64 = 1_000_000_000

    private let draining = Atomic<Bool>(false)
    private let hasModels: Atomic<Bool>
    private let reactors = Mutex<[Reactor]>([])

    /// `hasModels`: every required model has a ready stable version.
    init(hasModels: Bool) { self.hasModels = Atomic(hasModels) }

    /// After a change of what is loaded or routed.
    func set(hasModels: Bool) { self.hasModels.store(hasModels, ordering: .releasing) }

    func watch(_ reactor: Reactor) { reactors.withLock { $0.append(reactor) } }

    func beginDrain() { draining.store(true, ordering: .releasing) }

    var isDraining: Bool { draining.load(ordering: .acquiring) }

    var isLive: Bool { oldestHeartbeatNanos() < Self.liveNanos }

    var isReady: Bool {
        hasModels.load(ordering: .acquiring) && !draining.load(ordering: .acquiring)
            && oldestHeartbeatNanos() < Self.readyNanos
    }

    private func oldestHeartbeatNanos() -> UInt64 {
        let now = clinux_now()
        return reactors.withLock { reactors in
            reactors.map { reactor in
                let beat = reactor.heartbeat.load(ordering: .relaxed)
                return now > beat ? now - beat : 0
            }.max() ?? 0
        }
    }
}
