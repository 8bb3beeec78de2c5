// What a reactor counts.

public import Telemetry

public struct ReactorMetrics {
    /// By listener.
    private var accepted: InlineArray<4, CounterID>
    private var limits: InlineArray<9, CounterID>
    private let turnedAway: CounterID
    private let shard: MetricsShard

    /// A limit of the reactor's; the name is the label of `serin_limits_total`.
    enum Limit: Int, CaseIterable {
        case connections, connectionsPerAddress, descriptors, sendRate, roundTime, lingerBytes, linger, acceptsPerRound
        case announcement

        var reason: String {
            switch self {
            case .connections: "connections"
            case .connectionsPerAddress: "connections_per_address"
            case .descriptors: "descriptors"
            case .sendRate: "send_rate"
            case .roundTime: "round_time"
            case .lingerBytes: "linger_bytes"
            case .linger: "linger"
            case .acceptsPerRound: "accepts_per_round"
            case .announcement: "header_timeout"
            }
        }
    }

    /// Declares them; `ports`: the names of the listeners, in their order, at most four. `shard` is the reactor's own.
    public init(_ registry: MetricsRegistry, shard: MetricsShard, ports: [String]) throws(MetricsError) {
        precondition((1...4).contains(ports.count))
        self.shard = shard
        func counter(_ port: String) throws(MetricsError) -> CounterID {
            try registry.counter(
                "serin_connections_accepted_total", "Connections of the data plane that were accepted, by port.",
                labels: [("port", port)])
        }
        accepted = .init(repeating: try counter(ports[0]))
        for (index, port) in ports.enumerated() { accepted[index] = try counter(port) }
        limits = .init(repeating: try registry.limit(Limit.connections.reason))
        for limit in Limit.allCases { limits[limit.rawValue] = try registry.limit(limit.reason) }
        turnedAway = try registry.closed("limit")
    }

    func count(_ limit: Limit) { shard.add(limits[limit.rawValue]) }
    func accepted(on listener: Int) { shard.add(accepted[listener]) }
    /// Closed before anybody spoke on it.
    func turnAway() { shard.add(turnedAway) }
}
