// The gateway's metrics, declared once; names and labels are the contract's.

import Inference
import Telemetry

struct GatewayMetrics: Sendable {
    let registry: MetricsRegistry
    /// Requests that reached no version: unknown model, path or method.
    let unrouted: CounterID
    /// Requests whose deadline passed before their body had come.
    let unroutedTimeout: CounterID
    let inflight: GaugeID
    let inflation: InflationMetrics
    /// Calls by method and code: at `method.rawValue * codes + code.rawValue`.
    let calls: CallCounters
    /// Requests of clients over their model's rate.
    let overRate: CounterID
    let overWatches: CounterID
    let loads: LoadCounts

    init(shards: Int) throws(MetricsError) {
        registry = MetricsRegistry(shards: shards)
        unrouted = try registry.counter(
            Self.requestsName, Self.requestsHelp, labels: Self.labels("", "", arm: "", outcome: .clientError))
        inflation = try InflationMetrics(registry)
        unroutedTimeout = try registry.counter(
            Self.requestsName, Self.requestsHelp, labels: Self.labels("", "", arm: "", outcome: .timeout))
        inflight = try registry.gauge("serin_inflight", "Predict requests that are parsed and not yet answered.")
        calls = try CallCounters(registry)
        overRate = try registry.limit("request_rate")
        overWatches = try registry.limit("watches")
        loads = try LoadCounts(registry)
        try registry.gauge(
            "serin_build_info", "The release that runs.", labels: [("version", GatewayServer.version)]
        ) { 1 }
        try ProcessMetrics.declare(in: registry)
    }

    /// Declares what health checks and operators are told.
    func declare(_ health: Health, _ controller: Controller) throws(MetricsError) {
        try registry.gauge("serin_ready", "1 while /health/ready answers 200, else 0.") { health.isReady ? 1 : 0 }
        try registry.gauge(
            "serin_degraded", "1 while a lowering of traffic is in force that is not recorded yet, else 0."
        ) { controller.isDegraded ? 1 : 0 }
    }

    private static let requestsName = "serin_requests_total"
    private static let requestsHelp = "Requests by model, version, arm, tier and outcome."

    private static func labels(_ model: String, _ version: String, arm: String, outcome: Outcome)
        -> MetricsRegistry.Labels
    {
        [("model", model), ("version", version), ("arm", arm), ("tier", "full"), ("outcome", outcome.label)]
    }

    /// Declares what is counted for one version. `budgetNanos` becomes an edge of the duration histogram.
    func version(
        model: String, version: String, digest: String, format: String, budgetNanos: UInt64?
    ) throws(MetricsError) -> VersionMetrics {
        let labels = [("model", model), ("version", version)]
        try registry.gauge(
            "serin_model_info", "The versions that are loaded, with the SHA-256 of their source.",
            labels: labels + [("format", format), ("digest", digest)]
        ) { 1 }
        var unexecuted: InlineArray<2, CounterID> = .init(repeating: unrouted)
        for (reason, text) in [(RequestFate.Reason.cancelled, "cancelled"), (.expired, "timeout")] {
            unexecuted[Int(reason.rawValue)] = try registry.counter(
                "serin_unexecuted_total", "Requests that were cancelled or late before they were scored, and were not.",
                labels: labels + [("reason", text)])
        }
        return VersionMetrics(
            duration: try duration(labels, budgetNanos: budgetNanos),
            queue: try registry.histogram(
                "serin_queue_duration_seconds", "From a request's first bytes to the start of its batch.",
                labels: labels, edges: LatencyEdges.standard, unit: .seconds),
            compute: try registry.histogram(
                "serin_compute_duration_seconds", "What scoring a batch took.", labels: labels,
                edges: LatencyEdges.standard, unit: .seconds),
            batchSize: try registry.histogram(
                "serin_batch_size", "Rows scored together.", labels: labels,
                edges: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384, 65536], unit: .plain),
            outOfRange: try registry.counter(
                "serin_feature_out_of_range_total", "Values out of their feature's range, accepted or clipped.",
                labels: labels),
            cost: try CostMetrics(registry, model: model, version: version), unexecuted: unexecuted)
    }

    /// The histogram of durations, with an edge at the budget, and what has gone beyond it.
    private func duration(_ labels: MetricsRegistry.Labels, budgetNanos: UInt64?) throws(MetricsError) -> HistogramID {
        let budget = budgetNanos.map { Double($0) / 1e9 }
        let duration = try registry.histogram(
            "serin_request_duration_seconds", "From a request's first bytes to its encoded answer, failures included.",
            labels: labels, edges: budget.map { LatencyEdges.including(budget: $0) } ?? LatencyEdges.standard,
            unit: .seconds, exemplars: true)
        guard let budget, let budgetNanos else { return duration }
        try registry.gauge(
            "serin_latency_budget_seconds", "What a request should keep to: an edge of its duration histogram.",
            labels: labels
        ) { budget }
        try registry.counter(
            "serin_over_budget_total", "Requests that took longer than the latency budget, failures included.",
            labels: labels, above: budgetNanos, in: duration)
        return duration
    }

    /// What is counted for one arm of a version, by outcome.
    func requests(model: String, version: String, arm: String) throws(MetricsError) -> InlineArray<6, CounterID> {
        var requests: InlineArray<6, CounterID> = .init(repeating: unrouted)
        for outcome in Outcome.allCases {
            requests[outcome.rawValue] = try registry.counter(
                Self.requestsName, Self.requestsHelp, labels: Self.labels(model, version, arm: arm, outcome: outcome))
        }
        return requests
    }

    /// Answers of the ladder, for one arm of the version that was to answer.
    func fallbacks(model: String, version: String, arm: String) throws(MetricsError) -> CounterID {
        try registry.counter(
            Self.requestsName, Self.requestsHelp,
            labels: [
                ("model", model), ("version", version), ("arm", arm), ("tier", "fallback"),
                ("outcome", Outcome.ok.label),
            ])
    }

    /// The share of a model's traffic that a version gets in an arm.
    func weight(model: String, version: String, arm: String, ratio: Double) throws(MetricsError) {
        try registry.gauge(
            "serin_route_weight_ratio", "Share of the model's own traffic, 0 to 1.",
            labels: [("model", model), ("version", version), ("arm", arm)]
        ) { ratio }
    }
}
