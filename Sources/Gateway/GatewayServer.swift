// `serin serve`: load, listen, serve, drain.
//
//     bundles ─► Snapshot ─► a DataPlane a reactor, an OperationsPlane ─► threads ─► signals
//
// The main thread waits for signals once the others run, and looks at the TLS port's files now and then. SIGHUP
// reads the configuration again (`Gateway+Reload`). SIGTERM or SIGINT drains:
// not ready at once, still accepting for `drain.delay`, then no new connection; what is in flight is
// answered, and what is left at `drain.timeout` is reset and counted. A second signal ends at once.

import Admin
import CLinux
public import Configuration
import Glibc
import HTTP
import Logging
import Primitives
import Reactor
import Rollout
import State
import Synchronization
import TLS
import Telemetry

public enum GatewayServer {
    /// The release.
    public static let version = "0.1.0"

    /// Serves until a signal ends it. Throws `StartError` where it cannot start. `reload` reads the configuration
    /// again, from where this one came.
    public static func run(
        _ configuration: GatewayConfiguration, isUpgrade: Bool = false,
        reload: @escaping () throws(ConfigurationError) -> GatewayConfiguration
    ) throws(StartError) {
        let startedAt = clinux_now()
        let signals = SignalWaiter()
        var logger = Logger(label: "serin") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: configuration.logLevel.rawValue) ?? .info
        let gateway = try Gateway(configuration, isUpgrade: isUpgrade, logger: logger)
        gateway.start()
        try gateway.takeOver()
        logger.info("ready in \((clinux_now() - startedAt) / 1_000_000) ms")
        gateway.serve(until: signals, reload: reload)
    }
}

/// Why the gateway did not start; one sentence that says what to do.
public struct StartError: Error, CustomStringConvertible {
    public var description: String
}

/// The running gateway: its planes and their threads.
final class Gateway {
    /// What is in force.
    var configuration: GatewayConfiguration
    var logger: Logger
    let controller: Controller
    /// nil: there is no TLS port.
    let secure: SecureEdge?
    let health: Health
    let planes: [DataPlane]
    let operations: OperationsPlane
    let admin: AdminPlane
    private let shadows: ShadowThread
    private let running = RunningCount()
    /// nil: it is off.
    let accessLog: AccessLog?
    /// nil: it is off.
    private let decisions: DecisionLog?
    /// nil: it is off.
    private let traces: TraceExporter?
    let service = ServiceManager()
    /// The lock of `state.path`, and what hands it and the ports over.
    var lock: StateLock?
    var inheritance: Inheritance?
    var handOver: HandOverServer?

    init(_ configuration: GatewayConfiguration, isUpgrade: Bool = false, logger: Logger) throws(StartError) {
        self.configuration = configuration
        self.logger = logger
        if let problem = TriggerCheck.problems(configuration).first { throw StartError(description: problem) }
        let reactors = configuration.reactors == 0 ? ReactorCount.available() : configuration.reactors
        let isHeld = try Self.acquire(configuration.statePath, isUpgrade: isUpgrade, &lock)
        do {
            let metrics = try GatewayMetrics(shards: GatewayExecutors.shards(configuration, reactors: reactors))
            let store = try StateStore(folder: configuration.statePath)
            controller = try Controller(
                configuration, metrics: metrics, store: store, reactors: reactors, logger: logger)
            health = controller.health
            secure = configuration.tls.isOn ? try SecureEdge(configuration.tls, metrics.registry) : nil
            secure?.warn(logger)
            accessLog = try AccessLog(configuration.accessLog, reactors: reactors, metrics.registry, logger)
            decisions = try DecisionLog(configuration.decisions, reactors: reactors, metrics.registry, logger)
            traces = try TraceExporter(configuration.traces, reactors: reactors, metrics.registry, logger)
            try metrics.declare(health, controller)
            // Everything is there: now the ports, which another process may still serve.
            if isHeld, let folder = configuration.statePath { inheritance = try Inheritance(folder) }
            let parts = Parts(
                configuration: configuration, controller: controller, metrics: metrics, health: health, secure: secure,
                accessLog: accessLog, inheritance: inheritance)
            (planes, operations, admin) = try Self.listen(parts, reactors, logger)
            shadows = ShadowThread(
                planes.map(\.shadowRing), GatewayExecutors.shadowShard(configuration, reactors, metrics.registry))
        } catch {
            throw StartError(description: "\(error)")
        }
        for (index, plane) in planes.enumerated() {
            if let decisions {
                plane.decisions = .passUnretained(decisions.rings[index])
                plane.decisionsDropped = decisions.dropped
            }
            plane.traces = traces?.plane(index)
            plane.feedbackDesk = controller.feedback
            health.watch(plane.reactor)
            let reactor = plane.reactor
            controller.wake { reactor.wake() }
        }
    }

    /// What the planes are made of.
    private struct Parts {
        var configuration: GatewayConfiguration
        var controller: Controller
        var metrics: GatewayMetrics
        var health: Health
        var secure: SecureEdge?
        var accessLog: AccessLog?
        var inheritance: Inheritance?
    }

    /// Binds every port, and makes the planes behind them.
    private static func listen(
        _ parts: Parts, _ reactors: Int, _ logger: Logger
    ) throws -> ([DataPlane], OperationsPlane, AdminPlane) {
        let configuration = parts.configuration
        let limits = HTTPLimits(configuration)
        let statistics = InferenceStatistics(shards: reactors, versions: VersionSlots.limit)
        let edge = try DataPorts(
            configuration, parts.metrics.registry, isSecure: parts.secure != nil, access: parts.accessLog)
        let rates = RateTable()
        let heir = parts.inheritance
        let data = try listeners(
            "data", configuration.listen.address, configuration.listen.port, count: reactors, heir)
        let tls = try parts.secure.map { _ in
            try listeners("tls", configuration.tls.address, configuration.tls.port, count: reactors, heir)
        }
        let planes = try (0..<reactors).map { index in
            var listeners = [data[index].trusting(configuration.listen.proxies)]
            var secure: Plane.SecurePort?
            if let edge = parts.secure, let tls {
                listeners.append(tls[index].trusting(configuration.tls.proxies))
                secure = Plane.SecurePort(
                    listener: 1, context: edge.published, metrics: edge.metrics,
                    shard: parts.metrics.registry.shard(index), limits: TLSLimits(configuration))
            }
            return DataPlane(
                snapshot: parts.controller.publication.load().value, metrics: parts.metrics, shard: index,
                health: parts.health, access: parts.controller.access, rates: rates,
                port: try edge.port(listeners, reactor: index), limits: limits,
                secure: secure, statistics: statistics, publication: parts.controller.publication,
                holds: parts.controller.holds, executors: parts.controller.executors.pool)
        }
        for plane in planes { plane.watchers.limit = configuration.limits.shares.watches }
        announce("data", "http", configuration.listen.address, data[0].port, logger)
        if let tls { announce("tls", "https", configuration.tls.address, tls[0].port, logger) }
        let listener = try listeners(
            "metrics", configuration.metrics.address, configuration.metrics.port, count: 1, heir)[0]
        announce("metrics", "http", configuration.metrics.address, listener.port, logger)
        let operations = OperationsPlane(
            registry: parts.metrics.registry, health: parts.health,
            port: Plane.Port(
                listeners: [listener], connections: [ConnectionCount(limit: configuration.limits.shares.operations)]),
            limits: limits)
        return (planes, operations, try admin(parts, limits, logger))
    }

    private static func admin(_ parts: Parts, _ limits: HTTPLimits, _ logger: Logger) throws -> AdminPlane {
        let settings = parts.configuration.admin
        let listener = try listeners("admin", settings.address, settings.port, count: 1, parts.inheritance)[0]
        announce("admin", "http", settings.address, listener.port, logger)
        let api = AdminAPI(parts.controller, settings, clock: { clinux_now() })
        return AdminPlane(
            api,
            port: Plane.Port(listeners: [listener], connections: [ConnectionCount(limit: AdminPlane.connectionsMax)]),
            limits: limits)
    }

    private static func announce(
        _ kind: String, _ scheme: String, _ address: String, _ port: UInt16, _ logger: Logger
    ) {
        let host = address.contains(":") ? "[\(address)]" : address
        logger.info("listening \(kind) \(scheme)://\(host):\(port)")
    }

    // MARK: Run

    func start() {
        accessLog?.start()
        let controller = controller
        decisions?.start { controller.decisionSchema($0) }
        traces?.start()
        controller.executors.start()
        for (index, plane) in planes.enumerated() { launch(index, plane) }
        nonisolated(unsafe) let operations = operations
        ReactorThread.start("operations") { operations.run() }
        shadows.start()
        nonisolated(unsafe) let admin = admin
        ReactorThread.start("admin") { admin.run() }
        controller.prepareExplanations()
        // A successor has them when it has the state.
        if inheritance == nil {
            controller.openRollouts()
            controller.openTriggers()
            controller.openArrivals()
        }
        watchRepository()
        ReactorThread.start("guard") {
            while controller.isOpen {
                let tick = GuardCounterShape.tickNanos
                usleep(UInt32((tick - clinux_now() % tick) / 1000 + 1000))
                controller.tickRollouts()
            }
        }
        ReactorThread.start("control") {
            while controller.isOpen {
                controller.tick()
                usleep(100_000)
            }
        }
    }

    /// Looks for new versions now and then, on a thread that may wait for disks and for bundles to load.
    private func watchRepository() {
        let period = configuration.repositoryWatchNanos
        guard period > 0, !controller.watchedModels().isEmpty else { return }
        let controller = controller
        ReactorThread.start("repository") {
            var lookAt = clinux_now()
            while controller.isOpen {
                if clinux_now() >= lookAt {
                    controller.lookForArrivals()
                    lookAt = clinux_now() + period
                }
                usleep(50_000)
            }
        }
    }

    private func launch(_ index: Int, _ plane: Plane) {
        let running = running
        let configuration = configuration
        running.value.add(1, ordering: .relaxed)
        nonisolated(unsafe) let plane = plane
        ReactorThread.start("reactor-\(index)") {
            GatewayExecutors.place(reactor: index, configuration)
            plane.run()
            running.value.subtract(1, ordering: .releasing)
        }
    }

    /// The data plane's port, and the metrics'.
    var ports: (data: UInt16, metrics: UInt16) { (planes[0].reactor.ports[0], operations.reactor.ports[0]) }

    var adminPort: UInt16 { admin.reactor.ports[0] }

    /// Some reactor still serves.
    var isRunning: Bool { running.value.load(ordering: .acquiring) > 0 }

    /// Takes nothing new and answers what is in flight. `leaving`: another process has the ports.
    func drain(leaving: Bool = false) {
        for plane in planes { plane.reactor.drain(leaving: leaving) }
        if leaving {
            operations.reactor.drain(leaving: true)
            admin.reactor.drain(leaving: true)
        }
    }

    /// The TLS port; nil: there is none.
    var securePort: UInt16? { secure == nil ? nil : planes[0].reactor.ports[1] }

    /// Waits for the signal to end, and drains; meanwhile takes on what changes.
    func serve(until signals: SignalWaiter, reload: () throws(ConfigurationError) -> GatewayConfiguration) {
        let isSucceeded = waitForEnd(signals, reload)
        let signalledAt = clinux_now()
        logger.info("draining: \(isSucceeded ? "the successor serves" : "not ready any more")")
        if !isSucceeded {
            health.beginDrain()
            service?.stopping()
            if signals.endArrives(within: configuration.drain.delayNanos) {
                return end("a second signal: ending at once")
            }
        }
        drain(leaving: isSucceeded)
        while isRunning {
            if clinux_now() - signalledAt > configuration.drain.timeoutNanos { break }
            if signals.endArrives(within: 2_000_000) { return end("a second signal: ending at once") }
        }
        end("drained")
    }

    /// Waits for the end; true: it has come because a successor serves.
    private func waitForEnd(
        _ signals: SignalWaiter, _ reload: () throws(ConfigurationError) -> GatewayConfiguration
    ) -> Bool {
        service?.ready()
        var chores = Chores(self)
        while true {
            switch signals.next(within: chores.pause()) {
            case .end: return false
            case .hangup:
                service?.reloading()
                takeOn(reload)
                service?.ready()
            case .upgrade: startSuccessor()
            case .handedOver:
                guard let process = handOver?.successor.load(ordering: .acquiring), process != 0 else { continue }
                service?.handedOver(to: process)
                return true
            case nil: break
            }
            chores.run()
        }
    }

    private func end(_ reason: String) {
        for plane in planes { plane.reactor.stop() }
        let deadline = clinux_now() + 1_000_000_000
        while isRunning, clinux_now() < deadline { usleep(1000) }
        controller.executors.stop()
        shadows.stop()
        accessLog?.end()
        decisions?.end()
        traces?.end()
        controller.close()
        let reset = planes.reduce(0) { $0 + $1.reactor.resetCount.load(ordering: .relaxed) }
        logger.info("\(reason); connections reset: \(reset)")
        // A model that is still being read is read with what exit() would take down under it.
        if !controller.loaderQueue.stop(within: 1_000_000_000) {
            fflush(nil)
            _exit(EXIT_SUCCESS)
        }
    }
}

/// Reactors that still serve.
private final class RunningCount: Sendable {
    let value = Atomic<Int>(0)
}
