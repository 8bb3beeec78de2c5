import CLinux
import HTTP
import Reactor
import Synchronization
import Testing

@testable import Gateway

/// Heartbeats behind ready and live: a reactor that has not gone round makes the process not ready, and then not live.
@Suite struct HealthTests {
    /// A plane whose reactor never runs, so that its heartbeat is what the test says.
    private final class Still: Plane {
        init() throws {
            let listener = try Listener(address: "127.0.0.1", port: 0, sharing: false)
            super.init(
                Port(listeners: [listener], connections: [ConnectionCount(limit: 1)]), limits: .init())
        }
    }

    @Test func oldHeartbeatsAreNotReadyAndThenNotLive() throws {
        let health = Health(hasModels: true)
        let planes = [try Still(), try Still()]
        for plane in planes { health.watch(plane.reactor) }
        let cases: [(age: UInt64, isReady: Bool, isLive: Bool)] = [
            (0, true, true), (900_000_000, true, true), (1_100_000_000, false, true), (9_000_000_000, false, true),
            (10_100_000_000, false, false),
        ]
        for (age, isReady, isLive) in cases {
            planes[0].reactor.heartbeat.store(clinux_now(), ordering: .relaxed)
            planes[1].reactor.heartbeat.store(clinux_now() - age, ordering: .relaxed)
            #expect(health.isReady == isReady && health.isLive == isLive, "\(age)")
        }
    }

    @Test func aDrainIsNotReadyAndStaysLive() {
        let health = Health(hasModels: true)
        #expect(health.isReady)
        health.beginDrain()
        #expect(!health.isReady && health.isLive)
        #expect(!Health(hasModels: false).isReady)
    }
}
