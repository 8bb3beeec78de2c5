// The `traces` section: which requests' spans are kept, and where they go.

public struct TraceConfiguration: Sendable, Equatable {
    /// A collector's port for OTLP over HTTP.
    static let port: UInt16 = 4318

    /// nil: nothing is traced.
    public internal(set) var endpoint: HTTPEndpoint?
    /// What the spans call this service.
    public internal(set) var service = "serin"
    /// Of the requests that come without a trace, 0 to 1.
    public internal(set) var ratio = 0.01
    /// Slower requests are kept whatever the ratio; 0: not for that.
    public internal(set) var slowNanos: UInt64 = 10_000_000
    /// So are those that fail.
    public internal(set) var keepsFailures = true
    /// Spans in one post.
    public internal(set) var batch = 512
    /// How long the first of a batch waits for others.
    public internal(set) var intervalNanos: UInt64 = 1_000_000_000
    /// For one post.
    public internal(set) var timeoutNanos: UInt64 = 5_000_000_000
    /// Requests on their way to the collector, of each reactor.
    public internal(set) var buffer = 4096
}
