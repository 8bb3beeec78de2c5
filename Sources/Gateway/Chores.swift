// What the main thread does now and then while the reactors serve: certificate files are looked at, and the service
// manager's watchdog is fed. Each has its own period.

import CLinux
import Configuration
import Glibc

struct Chores {
    private let gateway: Gateway
    private var lookAt: UInt64
    private var feedAt: UInt64

    init(_ gateway: Gateway) {
        self.gateway = gateway
        let now = clinux_now()
        (lookAt, feedAt) = (now + gateway.configuration.tls.watchNanos, now)
    }

    private var looks: Bool { gateway.secure != nil && gateway.configuration.tls.watchNanos > 0 }

    /// How long the main thread may wait for a signal; nil: for ever.
    func pause() -> UInt64? {
        let now = clinux_now()
        let due = [looks ? lookAt : nil, gateway.service?.watchdogNanos == nil ? nil : feedAt].compactMap { $0 }.min()
        return due.map { $0 > now ? $0 - now : 0 }
    }

    /// Does what is due.
    mutating func run() {
        let now = clinux_now()
        // A successor that has failed is not left a zombie.
        while waitpid(-1, nil, WNOHANG) > 0 {}
        if looks, now >= lookAt {
            gateway.secure?.look(gateway.logger)
            lookAt = now + gateway.configuration.tls.watchNanos
        }
        guard let service = gateway.service, let period = service.watchdogNanos, now >= feedAt else { return }
        if gateway.health.isLive { service.feedWatchdog() }
        feedAt = now + period
    }
}
