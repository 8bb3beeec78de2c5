// The fields of `limits`, `compression` and `timeouts`, with their ranges and units.

extension ConfigurationField {
    private static let millisecond: UInt64 = 1_000_000
    private static let hour: UInt64 = 3_600_000_000_000

    static let limits: [ConfigurationField] = [
        // A connection costs about 25 KB with HTTP/2: a million are 25 GB.
        ConfigurationField("limits.connections", .integer(\.limits.connections, 1...1_000_000, unit: "connections")),
        ConfigurationField(
            "limits.connections_per_address",
            .integer(\.limits.connectionsPerAddress, 0...1_000_000, unit: "connections")),
        ConfigurationField("limits.streams", .integer(\.limits.streams, 1...10000, unit: "streams")),
        ConfigurationField("limits.header_bytes", .size(\.limits.headerBytes, 1 << 10...1 << 20)),
        ConfigurationField("limits.body_bytes", .size(\.limits.bodyBytes, 1 << 10...1 << 30)),
        ConfigurationField("limits.inflated_bytes", .size(\.limits.inflatedBytes, 1 << 10...1 << 30)),
        // deflate's own limit is 1032.
        ConfigurationField("limits.inflate_ratio", .integer(\.limits.inflateRatio, 1...1032, unit: "times")),
        ConfigurationField("limits.receiving_bytes", .size(\.limits.receivingBytes, 1 << 10...1 << 40)),
        ConfigurationField("limits.output_bytes", .size(\.limits.outputBytes, 1 << 10...1 << 30)),
        ConfigurationField("limits.receive_rate", .size(\.limits.receiveRate, 0...1 << 30)),
        ConfigurationField("limits.send_rate", .size(\.limits.sendRate, 0...1 << 30)),
        frames("glitches", \.limits.http2.glitches, "in a minute"),
        frames("pings", \.limits.http2.pings), frames("settings", \.limits.http2.settings),
        frames("priorities", \.limits.http2.priorities), frames("unknown_frames", \.limits.http2.unknownFrames),
        frames("resets", \.limits.http2.resets), frames("small_data", \.limits.http2.smallData),
        frames("empty_data", \.limits.http2.emptyData, "frames in a row"),
        ConfigurationField(
            "limits.http2.frames_per_round", .integer(\.limits.http2.framesPerRound, 16...65536, unit: "frames")),
        ConfigurationField("compression.min_bytes", .size(\.compression.minBytes, 1...1 << 30)),
        ConfigurationField("compression.max_bytes", .size(\.compression.maxBytes, 0...16 << 20)),
        ConfigurationField("timeouts.idle", .duration(\.timeouts.idleNanos, 10 * millisecond...24 * hour)),
        ConfigurationField("timeouts.header", .duration(\.timeouts.headerNanos, 10 * millisecond...hour)),
        ConfigurationField("timeouts.body", .duration(\.timeouts.bodyNanos, 10 * millisecond...hour)),
        ConfigurationField("timeouts.rate_grace", .duration(\.timeouts.rateGraceNanos, 10 * millisecond...hour)),
    ]

    private static func frames(
        _ name: String, _ path: FieldPath<Int>, _ unit: String = "frames in 10 s"
    ) -> ConfigurationField {
        ConfigurationField("limits.http2.\(name)", .integer(path, 1...1_000_000, unit: unit))
    }
}
