// What `serin serve` runs with: validated, and from then on immutable.
//
//     config/serin.yaml ─┐
//     SERIN_… variables ─┼─► raw text with its origin ─► checked by ConfigurationField ─► this
//     --flags           ─┘        (later layers win)       and by +Contradictions
//
// A value of this type only comes out of ConfigurationLoader, so whoever holds one need not check
// it again.  Ranges, units and defaults stand in one table, ConfigurationField+Table.swift.

public struct GatewayConfiguration: Sendable, Equatable {
    /// Where to listen.
    public struct Endpoint: Sendable, Equatable {
        /// An IPv4 or IPv6 address in digits.
        public internal(set) var address: String
        /// 0: a free one.
        public internal(set) var port: Int
        /// Whose connections begin with a PROXY header (version 2).
        public internal(set) var proxies: [AddressNetwork] = []
    }

    /// Bounds on what clients may send.
    public struct Limits: Sendable, Equatable {
        /// Open connections of each of the data plane's ports; one more gets 503.
        public internal(set) var connections = 10000
        /// Of these, from one address; 0: any number.
        public internal(set) var connectionsPerAddress = 5000
        /// Concurrent HTTP/2 streams a connection.
        public internal(set) var streams = 100
        /// Bytes of a request's header list.
        public internal(set) var headerBytes = 16 << 10
        /// Bytes of a request's body.
        public internal(set) var bodyBytes = 1 << 20
        /// Bytes that a gzip or deflate body may inflate to.
        public internal(set) var inflatedBytes = 1 << 20
        /// Times its packed size that it may inflate to, beyond 64 KiB.
        public internal(set) var inflateRatio = 100
        /// Bytes of unfinished bodies that a reactor holds.
        public internal(set) var receivingBytes = 4 << 20
        /// Bytes of unsent answers that a connection may have before nothing more is taken from it.
        public internal(set) var outputBytes = 256 << 10
        /// Bytes a second that a body must bring, and that an answer's reader must take; 0: any.
        public internal(set) var receiveRate = 1 << 10
        public internal(set) var sendRate = 1 << 10
        public internal(set) var http2 = HTTP2Allowance()
        public internal(set) var shares = EdgeShares()
    }

    /// Which answers are packed for clients that accept it.
    public struct Compression: Sendable, Equatable {
        /// Shorter ones are not worth it.
        public internal(set) var minBytes = 8 << 10
        /// Longer ones would hold the others up; 0: none is packed.
        public internal(set) var maxBytes = 128 << 10
    }

    /// How long a client may take.
    public struct Timeouts: Sendable, Equatable {
        /// A connection without a stream or a request is closed after this.
        public internal(set) var idleNanos: UInt64 = 3_600_000_000_000
        /// The first bytes of a connection, or a request's header, until complete.
        public internal(set) var headerNanos: UInt64 = 5_000_000_000
        /// A request's body, until complete.
        public internal(set) var bodyNanos: UInt64 = 60_000_000_000
        /// Bodies and readers may be slower than the rates of `limits` for so long.
        public internal(set) var rateGraceNanos: UInt64 = 5_000_000_000
    }

    /// How SIGTERM ends the process; both count from the signal.
    public struct Drain: Sendable, Equatable {
        /// Not ready, but still accepting.
        public internal(set) var delayNanos: UInt64 = 0
        /// What is not answered by now is reset.
        public internal(set) var timeoutNanos: UInt64 = 20_000_000_000
    }

    public enum LogLevel: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical
    }

    /// The data plane: HTTP/2 and HTTP/1.1.
    public internal(set) var listen = Endpoint(address: "0.0.0.0", port: 8080)
    /// Clients of the data plane that show a token.
    public internal(set) var tokens: [ClientToken] = []
    /// gRPC's server reflection is offered.
    public internal(set) var offersReflection = true
    /// The data plane's second port.
    public internal(set) var tls = TLSConfiguration()
    /// `/metrics` and health only.
    public internal(set) var metrics = Endpoint(address: "0.0.0.0", port: 8002)
    /// The admin plane.
    public internal(set) var admin = AdminConfiguration()
    /// Reactor threads; 0: the smaller of CPU affinity and cgroup quota.
    public internal(set) var reactors = 0
    /// The folder of bundles, `NAME/VERSION/`.
    public internal(set) var repository = "models"
    /// How often it is looked at for versions that have arrived; 0: never.
    public internal(set) var repositoryWatchNanos: UInt64 = 10_000_000_000
    /// Files with public keys that sign bundles.
    public internal(set) var signingKeys: [String] = []
    public internal(set) var limits = Limits()
    public internal(set) var compression = Compression()
    public internal(set) var timeouts = Timeouts()
    public internal(set) var drain = Drain()
    /// The folder of the lock and of the socket that an upgrade is handed over by; nil: neither.
    public internal(set) var statePath: String?
    /// The folder of compiled images; nil: none is kept.
    public internal(set) var cachePath: String? = ".cache/images"
    /// Batches of dense layers may go to OpenBLAS, where it is installed and faster.
    public internal(set) var usesOpenBLAS = true
    /// Bundles with a `fault` may be loaded; a flag only, never in a file.
    public var allowsFaults = false
    public internal(set) var executors = ExecutorConfiguration()
    public internal(set) var logLevel = LogLevel.info
    public internal(set) var accessLog = AccessLogConfiguration()
    public internal(set) var decisions = DecisionConfiguration()
    public internal(set) var traces = TraceConfiguration()
    public internal(set) var feedback = FeedbackConfiguration()
    /// Models that the file names, in its order; others of the repository have every default.
    public internal(set) var models: [ModelConfiguration] = []

    /// Every default.
    init() {}

    /// How a model of the repository is to be loaded and served.
    public func model(named name: String) -> ModelConfiguration {
        models.first { $0.name == name } ?? ModelConfiguration(name: name)
    }
}
