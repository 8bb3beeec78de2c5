// A data plane without sockets, threads or a real clock: bytes in, time by hand, lanes run when the test says.

import Configuration
import Glibc
import Logging
import Primitives
import Synchronization
import Telemetry

@testable import Gateway
@testable import HTTP
@testable import Reactor

final class PlaneHarness {
    /// Whether one is alive: its clocks are C functions and know no harness, so the next one waits for its end. One a test.
    private static let isTaken = Atomic(false)
    /// What every clock of the plane shows.
    nonisolated(unsafe) private static var now: UInt64 = 0
    /// What the clock shows while a batch is scored; nil: as before it.
    nonisolated(unsafe) private static var afterwards: UInt64?

    let plane: DataPlane
    let connection: UnsafeMutableRawPointer
    private let channel: UnsafeMutablePointer<Channel>
    private let registry: MetricsRegistry

    /// Serves the shipped bundles, with `timeout` as the model's. No executors are there: whatever a version costs where
    /// the test runs, it stays in the reactor's lane.
    init(timeout: String = "{default: none, max: 1s}") throws {
        while Self.isTaken.exchange(true, ordering: .acquiring) { usleep(1000) }
        var isMade = false
        defer { if !isMade { Self.isTaken.store(false, ordering: .releasing) } }
        let models = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/models"
        let configuration = try ConfigurationLoader.parse(
            """
            repository: \(models)
            cache: {path: \(ImageFolder.path)}
            models: {fraud: {timeout: \(timeout), queue: {lane: inline}, route: {stable: "1"}}}
            """)
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let metrics = try GatewayMetrics(shards: 1)
        registry = metrics.registry
        let snapshot = try SnapshotLoader(configuration, metrics: metrics, logger: logger).load()
        plane = DataPlane(
            snapshot: snapshot, metrics: metrics, shard: 0, health: Health(hasModels: true),
            access: Published(AccessTable(snapshot, configuration)), rates: RateTable(),
            port: Plane.Port(listeners: [], connections: []), limits: HTTPLimits(configuration), secure: nil)
        channel = .allocate(capacity: 1)
        channel.initialize(to: Channel(at: channel))
        connection = plane.engine.open(owner: channel, isRefusing: false)
        Self.now = 1_000_000_000
        Self.afterwards = nil
        plane.clock = {
            defer { if let afterwards = PlaneHarness.afterwards { PlaneHarness.now = afterwards } }
            return PlaneHarness.now
        }
        set(millis: 0)
        isMade = true
    }

    deinit {
        defer { Self.isTaken.store(false, ordering: .releasing) }
        channel.deinitialize(count: 1)
        channel.deallocate()
    }

    private func set(millis: Double) {
        Self.now = 1_000_000_000 + UInt64(millis * 1e6)
        plane.reactor.now = Self.now
        plane.engine.now = Self.now
    }

    /// Time goes on to so many milliseconds from the start, and the connection's timer fires if it is due.
    func advance(millis: Double) {
        set(millis: millis)
        if plane.engine.deadline(connection) <= Self.now { plane.engine.expire(connection) }
    }

    /// The round's end: the lanes are run. `until`: scoring lasts until then.
    func runLanes(until millis: Double? = nil) {
        Self.afterwards = millis.map { 1_000_000_000 + UInt64($0 * 1e6) }
        plane.roundEnded()
        Self.afterwards = nil
    }

    /// The client is gone.
    func close() { plane.engine.close(connection) }

    func feed(_ text: String) {
        var text = text
        text.withUTF8 { plane.engine.receive(connection, $0.baseAddress!, $0.count) }
    }

    /// The statuses of the answers that are ready, in their order.
    func statuses() -> [Int] {
        var output: [UInt8] = []
        let room = 1 << 16
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 1)
        defer { buffer.deallocate() }
        while case let count = plane.engine.produce(connection, into: buffer, room: room), count > 0 {
            output.append(contentsOf: UnsafeRawBufferPointer(start: buffer, count: count))
        }
        return String(decoding: output, as: UTF8.self).split(separator: "HTTP/1.1 ").compactMap {
            Int($0.prefix(3))
        }
    }

    /// The sum of a metric's samples whose labels hold all of these.
    func total(_ name: String, _ labels: String...) -> Double {
        String(decoding: registry.render(), as: UTF8.self).split(separator: "\n").filter { line in
            line.hasPrefix(name + "{") || line.hasPrefix(name + " ")
        }.filter { line in labels.allSatisfy(line.contains) }.reduce(0) { sum, line in
            sum + (line.split(separator: " ").last.flatMap { Double($0) } ?? 0)
        }
    }
}
