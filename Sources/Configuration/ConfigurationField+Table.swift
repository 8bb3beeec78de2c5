// Every scalar field outside `models:`, with its range and unit. Defaults stand in
// GatewayConfiguration; config/serin.yaml documents all of it, and a test holds the three together.

extension ConfigurationField {
    private static let millisecond: UInt64 = 1_000_000
    private static let second: UInt64 = 1_000_000_000
    private static let hour: UInt64 = 3_600_000_000_000

    public static let all = ports + limits + shares + executors + process + traces

    private static let ports: [ConfigurationField] = [
        ConfigurationField("listen.address", .address(\.listen.address)),
        ConfigurationField("listen.port", .integer(\.listen.port, 0...65535, unit: "")),
        ConfigurationField("listen.tls.address", .address(\.tls.address)),
        ConfigurationField("listen.tls.port", .integer(\.tls.port, 0...65535, unit: "")),
        ConfigurationField("listen.tls.minimum_version", .word(\.tls.minimumVersionText, ["1.2", "1.3"])),
        ConfigurationField("listen.tls.ciphers", .list(\.tls.ciphers)),
        ConfigurationField("listen.tls.suites", .list(\.tls.suites)),
        ConfigurationField(
            "listen.tls.client_authentication",
            .word(\.tls.clientAuthenticationText, TLSConfiguration.ClientAuthentication.allCases.map(\.rawValue))),
        ConfigurationField("listen.tls.authorities", .optionalFile(\.tls.authorities)),
        ConfigurationField(
            "listen.tls.ticket_rotation", .duration(\.tls.ticketRotationNanos, 60 * second...168 * hour)),
        ConfigurationField(
            "listen.tls.handshake_timeout", .duration(\.tls.handshakeNanos, 10 * millisecond...60 * second)),
        ConfigurationField("listen.tls.watch", .duration(\.tls.watchNanos, 0...hour)),
        ConfigurationField("metrics.address", .address(\.metrics.address)),
        ConfigurationField("metrics.port", .integer(\.metrics.port, 0...65535, unit: "")),
        ConfigurationField("admin.address", .address(\.admin.address)),
        ConfigurationField("admin.port", .integer(\.admin.port, 0...65535, unit: "")),
        ConfigurationField("reactors", .integer(\.reactors, 0...256, unit: "threads")),
        ConfigurationField("repository", .folder(\.repository)),
        ConfigurationField("repository_watch", .duration(\.repositoryWatchNanos, 0...hour)),
    ]

    private static let process: [ConfigurationField] = [
        ConfigurationField("drain.delay", .duration(\.drain.delayNanos, 0...hour)),
        ConfigurationField("drain.timeout", .duration(\.drain.timeoutNanos, 10 * millisecond...hour)),
        ConfigurationField("state.path", .optionalFolder(\.statePath)),
        ConfigurationField("cache.path", .optionalFolder(\.cachePath)),
        ConfigurationField("grpc.reflection", .boolean(\.offersReflection)),
        ConfigurationField("kernels.openblas", .boolean(\.usesOpenBLAS)),
        ConfigurationField("log.level", .logLevel(\.logLevel)),
        ConfigurationField(
            "log.access.mode", .word(\.accessLog.modeText, AccessLogConfiguration.Mode.allCases.map(\.rawValue))),
        ConfigurationField("log.access.sample", .integer(\.accessLog.sample, 1...1_000_000, unit: "requests")),
        ConfigurationField("log.access.file", .optionalFile(\.accessLog.file)),
        ConfigurationField("decisions.path", .optionalFolder(\.decisions.path)),
        ConfigurationField("decisions.segment_bytes", .size(\.decisions.segmentBytes, 1 << 20...1 << 30)),
        ConfigurationField("decisions.keep_bytes", .size(\.decisions.keepBytes, 2 << 20...1 << 40)),
        ConfigurationField("decisions.buffer_bytes", .size(\.decisions.bufferBytes, 64 << 10...1 << 30)),
        ConfigurationField("decisions.key", .optionalFile(\.decisions.key)),
        ConfigurationField("feedback.accept", .duration(\.feedback.acceptNanos, 4320 * hour...43800 * hour)),
        ConfigurationField("feedback.keep", .duration(\.feedback.keepNanos, 4320 * hour...43800 * hour)),
        ConfigurationField("feedback.queue", .integer(\.feedback.queue, 16...65536, unit: "calls")),
    ]

    private static let traces: [ConfigurationField] = [
        ConfigurationField("traces.endpoint", .endpoint(\.traces.endpoint, port: TraceConfiguration.port)),
        ConfigurationField("traces.service", .name(\.traces.service)),
        ConfigurationField("traces.ratio", .ratio(\.traces.ratio)),
        ConfigurationField("traces.slow", .duration(\.traces.slowNanos, 0...hour)),
        ConfigurationField("traces.failed", .boolean(\.traces.keepsFailures)),
        ConfigurationField("traces.batch", .integer(\.traces.batch, 1...8192, unit: "spans")),
        ConfigurationField("traces.interval", .duration(\.traces.intervalNanos, 10 * millisecond...60 * second)),
        ConfigurationField("traces.timeout", .duration(\.traces.timeoutNanos, 10 * millisecond...60 * second)),
        ConfigurationField("traces.buffer", .integer(\.traces.buffer, 16...65536, unit: "requests")),
    ]
}
