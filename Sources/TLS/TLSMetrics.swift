// What TLS counts.

public import Telemetry

public struct TLSMetrics: Sendable {
    /// By `HandshakeOutcome`.
    private let handshakes: [CounterID]
    /// By `Breach`.
    private let breaches: [CounterID]
    /// Connections that ended before their handshake did.
    private let unopened: CounterID

    /// Why an established connection was ended.
    enum Breach: Int, CaseIterable {
        case renegotiation, messages, record

        var reason: String {
            switch self {
            case .renegotiation: "renegotiation"
            case .messages: "handshake_messages"
            case .record: "bad_record"
            }
        }
    }

    public init(_ registry: MetricsRegistry) throws(MetricsError) {
        var handshakes: [CounterID] = []
        for outcome in HandshakeOutcome.allCases {
            handshakes.append(
                try registry.counter(
                    "serin_tls_handshakes_total", "TLS handshakes by how they ended.",
                    labels: [("outcome", outcome.isFine ? "ok" : "failed"), ("reason", outcome.reason)]))
        }
        unopened = try registry.closed("handshake")
        var breaches: [CounterID] = []
        for breach in Breach.allCases {
            breaches.append(
                try registry.counter(
                    "serin_tls_breaches_total", "Established TLS connections that were ended for what the peer did.",
                    labels: [("reason", breach.reason)]))
        }
        self.handshakes = handshakes
        self.breaches = breaches
    }

    func count(_ outcome: HandshakeOutcome, in shard: MetricsShard) { shard.add(handshakes[outcome.rawValue]) }
    func countUnopened(in shard: MetricsShard) { shard.add(unopened) }
    func count(_ breach: Breach, in shard: MetricsShard) { shard.add(breaches[breach.rawValue]) }
}
