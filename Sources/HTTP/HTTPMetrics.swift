// What the engine counts: limits it enforced, glitches, and connections by protocol and by how they ended.

public import Telemetry

/// A limit of the engine's; the name is the label of `serin_limits_total`.
enum HTTPLimit: Int, CaseIterable {
    case glitchesWarned, glitches, emptyData, framesPerRound, streams, headerBytes, bodyBytes, receivingBytes,
        outputBytes, turnTime, chunkExtensions, smallChunks
    case headerTimeout, settingsTimeout, bodyTimeout, receiveRate, sendRate, idle

    var reason: String {
        switch self {
        case .glitchesWarned: "glitches_warned"
        case .glitches: "glitches"
        case .emptyData: "empty_data"
        case .framesPerRound: "frames_per_round"
        case .streams: "streams"
        case .headerBytes: "header_bytes"
        case .bodyBytes: "body_bytes"
        case .receivingBytes: "receiving_bytes"
        case .outputBytes: "output_bytes"
        case .turnTime: "turn_time"
        case .chunkExtensions: "chunk_extensions"
        case .smallChunks: "small_chunks"
        case .headerTimeout: "header_timeout"
        case .settingsTimeout: "settings_timeout"
        case .bodyTimeout: "body_timeout"
        case .receiveRate: "receive_rate"
        case .sendRate: "send_rate"
        case .idle: "idle"
        }
    }
}

/// How a connection ended; the name is the label of `serin_connections_closed_total`.
enum HTTPEnding: Int, CaseIterable {
    case peer, reset, request, limit, timeout, idle, error, drain

    var reason: String {
        switch self {
        case .peer: "peer"
        case .reset: "reset"
        case .request: "request"
        case .limit: "limit"
        case .timeout: "timeout"
        case .idle: "idle"
        case .error: "error"
        case .drain: "drain"
        }
    }
}

/// The counters of one reactor's engine; plain words, so that counting touches no reference.
public struct HTTPMetrics {
    private var limits: InlineArray<18, CounterID>
    private var glitches: InlineArray<11, CounterID>
    private var endings: InlineArray<8, CounterID>
    /// Open connections by protocol: not yet known, HTTP/1.1, HTTP/2.
    private var open: InlineArray<3, GaugeID>
    private let shard: MetricsShard

    /// Declares them; `shard` is the writing thread's.
    public init(_ registry: MetricsRegistry, shard: MetricsShard) throws(MetricsError) {
        self.shard = shard
        limits = .init(repeating: try registry.limit(HTTPLimit.idle.reason))
        for limit in HTTPLimit.allCases { limits[limit.rawValue] = try registry.limit(limit.reason) }
        let (name, help) = ("serin_http_glitches_total", "HTTP/2 frames and resets beyond a peer's due, by reason.")
        func glitchCounter(_ glitch: HTTP2Glitch) throws(MetricsError) -> CounterID {
            try registry.counter(name, help, labels: [("reason", glitch.label)])
        }
        glitches = .init(repeating: try glitchCounter(.ping))
        for glitch in HTTP2Glitch.allCases { glitches[glitch.rawValue] = try glitchCounter(glitch) }
        endings = .init(repeating: try registry.closed(HTTPEnding.peer.reason))
        for ending in HTTPEnding.allCases { endings[ending.rawValue] = try registry.closed(ending.reason) }
        func gauge(_ name: String) throws(MetricsError) -> GaugeID {
            try registry.gauge(
                "serin_http_connections", "Open HTTP connections of the data plane, by protocol.",
                labels: [("protocol", name)])
        }
        open = [try gauge("unknown"), try gauge("http1"), try gauge("http2")]
    }

    func count(_ limit: HTTPLimit) { shard.add(limits[limit.rawValue]) }
    func count(_ glitch: HTTP2Glitch, _ count: UInt64 = 1) { shard.add(glitches[glitch.rawValue], count) }
    func closed(_ ending: HTTPEnding) { shard.add(endings[ending.rawValue]) }
    func opened(_ version: HTTPConnection.Version) { shard.add(open[Int(version.rawValue)], 1) }
    func left(_ version: HTTPConnection.Version) { shard.add(open[Int(version.rawValue)], -1) }
}
