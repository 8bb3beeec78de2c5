// Families of metrics that several stages of the data plane add series to.

extension MetricsRegistry {
    /// Counts how often a limit was enforced: a request refused, a connection held back or ended.
    public func limit(_ reason: String) throws(MetricsError) -> CounterID {
        try counter("serin_limits_total", "Times a limit was enforced, by reason.", labels: [("reason", reason)])
    }

    /// Counts connections that have ended.
    public func closed(_ reason: String) throws(MetricsError) -> CounterID {
        try counter(
            "serin_connections_closed_total", "Connections of the data plane that have ended, by reason.",
            labels: [("reason", reason)])
    }
}
