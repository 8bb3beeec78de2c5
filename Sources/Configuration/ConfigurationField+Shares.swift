// The fields of `limits` that share a reactor's time and memory among its connections.

extension ConfigurationField {
    private static let microsecond: UInt64 = 1000
    private static let millisecond: UInt64 = 1_000_000
    private static let second: UInt64 = 1_000_000_000

    static let shares: [ConfigurationField] = [
        ConfigurationField("limits.turn_time", .duration(\.limits.shares.turnNanos, 10 * microsecond...second)),
        ConfigurationField("limits.round_time", .duration(\.limits.shares.roundNanos, 10 * microsecond...second)),
        ConfigurationField("limits.read_bytes", .size(\.limits.shares.readBytes, 1 << 10...1 << 20)),
        ConfigurationField(
            "limits.accepts_per_round", .integer(\.limits.shares.acceptsPerRound, 1...10000, unit: "connections")),
        ConfigurationField(
            "limits.refusals", .integer(\.limits.shares.refusals, 0...100_000, unit: "connections")),
        ConfigurationField("limits.linger_bytes", .size(\.limits.shares.lingerBytes, 0...1 << 30)),
        ConfigurationField("limits.receiving_share", .size(\.limits.shares.receivingShare, 0...1 << 30)),
        ConfigurationField(
            "limits.chunk_extension_bytes", .size(\.limits.shares.chunkExtensionBytes, 0...16 << 10)),
        ConfigurationField(
            "limits.small_chunks", .integer(\.limits.shares.smallChunks, 0...1_000_000_000, unit: "chunks")),
        ConfigurationField(
            "limits.inflated_per_round", .size(\.limits.shares.inflatedPerRound, 64 << 10...1 << 30)),
        // The protocol's own first window is 64 KiB less one.
        ConfigurationField("limits.http2.stream_window", .size(\.limits.shares.streamWindow, 32 << 10...1 << 30)),
        ConfigurationField(
            "limits.http2.connection_window", .size(\.limits.shares.connectionWindow, 64 << 10...1 << 30)),
        ConfigurationField(
            "limits.tls.handshakes", .integer(\.limits.shares.handshakes, 1...10000, unit: "handshakes")),
        ConfigurationField(
            "limits.tls.handshake_time", .duration(\.limits.shares.handshakeNanos, 10 * microsecond...second)),
        ConfigurationField(
            "limits.tls.messages", .integer(\.limits.shares.tlsMessages, 1...1_000_000, unit: "in a minute")),
        ConfigurationField("limits.watches", .integer(\.limits.shares.watches, 0...1_000_000, unit: "watches")),
        ConfigurationField(
            "metrics.connections", .integer(\.limits.shares.operations, 1...100_000, unit: "connections")),
        ConfigurationField(
            "timeouts.linger", .duration(\.limits.shares.lingerNanos, 10 * millisecond...60 * second)),
    ]
}
