// The data plane's ports as every reactor sees them: how many connections, from whom, how fast, and where it is counted.

import Configuration
import HTTP
import Primitives
import Reactor
import Synchronization
import Telemetry

struct DataPorts {
    private let names: [String]
    /// By listener; shared by all reactors.
    private let connections: [ConnectionCount]
    private let addresses: AddressCounts
    private let limits: ReactorLimits
    private let registry: MetricsRegistry
    private let access: AccessLog?

    init(
        _ configuration: GatewayConfiguration, _ registry: MetricsRegistry, isSecure: Bool, access: AccessLog?
    ) throws(MetricsError) {
        self.registry = registry
        self.access = access
        names = isSecure ? ["data", "tls"] : ["data"]
        connections = names.map { _ in ConnectionCount(limit: configuration.limits.connections) }
        addresses = AddressCounts(limit: configuration.limits.connectionsPerAddress)
        limits = ReactorLimits(configuration)
        let counts = connections
        try registry.gauge("serin_connections", "Open connections of the data plane.") {
            Double(counts.reduce(0) { $0 + $1.current.load(ordering: .relaxed) })
        }
    }

    /// One reactor's, with its own listeners.
    func port(_ listeners: [Listener], reactor: Int) throws(MetricsError) -> Plane.Port {
        let shard = registry.shard(reactor)
        return Plane.Port(
            listeners: listeners, connections: connections, addresses: addresses, limits: limits,
            metrics: try ReactorMetrics(registry, shard: shard, ports: names),
            http: try HTTPMetrics(registry, shard: shard), access: access?.log(reactor, shard))
    }
}

extension HTTPLimits {
    init(_ configuration: GatewayConfiguration) {
        self.init()
        let (limits, timeouts) = (configuration.limits, configuration.timeouts)
        streams = limits.streams
        headerBytes = limits.headerBytes
        bodyBytes = limits.bodyBytes
        inflatedBytes = limits.inflatedBytes
        inflateRatio = limits.inflateRatio
        packMinBytes = configuration.compression.minBytes
        packMaxBytes = configuration.compression.maxBytes
        receivingBytes = limits.receivingBytes
        outputBytes = limits.outputBytes
        receiveRate = limits.receiveRate
        sendRate = limits.sendRate
        headerNanos = timeouts.headerNanos
        bodyNanos = timeouts.bodyNanos
        rateGraceNanos = timeouts.rateGraceNanos
        idleNanos = timeouts.idleNanos
        take(limits.shares)
        http2.glitches = limits.http2.glitches
        http2.pings = limits.http2.pings
        http2.settings = limits.http2.settings
        http2.priorities = limits.http2.priorities
        http2.unknownFrames = limits.http2.unknownFrames
        http2.resets = limits.http2.resets
        http2.smallData = limits.http2.smallData
        http2.emptyData = limits.http2.emptyData
        http2.framesPerRound = limits.http2.framesPerRound
    }
}

extension Listener {
    /// The listener, believing these proxies.
    func trusting(_ proxies: [AddressNetwork]) -> Listener {
        var listener = self
        listener.proxies = proxies.map { PeerNetwork(high: $0.high, low: $0.low, bits: $0.bits) }
        return listener
    }
}
