// What one HTTP/2 connection may do besides requests: the frames that cost this side and bring nobody anything.
//
//     frame ─► its own bucket ── has one ──► fine
//                    └── empty ─► a glitch ─► the connection's budget: 75% ─► warn (graceful GOAWAY)
//                                                                      100% ─► end (ENHANCE_YOUR_CALM)
//     what no well-behaved peer does at all (provoked resets, invalid frames) ─► a glitch at once
//
// libnghttp2 limits resets, continuations and unanswered acknowledgements, and nothing else: PING, SETTINGS, PRIORITY,
// unknown frames, WINDOW_UPDATE, empty DATA and the resets that a peer makes this side send (MadeYouReset,
// CVE-2025-8671) are free there. Work earns frames: a peer that reads answers may send more PINGs and
// WINDOW_UPDATEs, as clients that measure the path do. The rule for WINDOW_UPDATE is Envoy's: 5 + 2 × (streams +
// 10 × DATA frames sent). One budget for everything else covers what is thought of tomorrow.
//
// A pure value: the engine tells it what happened and does what it answers.

import CNghttp2

/// Per connection; each number is how many are allowed at once, and in ten seconds on average.
public struct HTTP2Limits: Sendable {
    /// Glitches in a minute.
    public var glitches = 200
    public var pings = 100
    public var settings = 100
    /// PRIORITY and PRIORITY_UPDATE.
    public var priorities = 100
    public var unknownFrames = 100
    /// RST_STREAM from the peer; also streams refused because too many are open.
    public var resets = 330
    /// DATA of less than 64 bytes that does not end its stream.
    public var smallData = 200
    /// DATA without data, in a row.
    public var emptyData = 10
    /// Frames that are taken from a connection before it is another's turn.
    public var framesPerRound = 512

    public init() {}

    static let windowNanos: UInt64 = 10_000_000_000
    static let glitchWindowNanos: UInt64 = 60_000_000_000
    static let smallDataBytes = 64
    /// A header list that is cut off has cost a hundred frames' time.
    static let headerBombGlitches: UInt64 = 10
    static let warnPercent: UInt64 = 75
}

/// What a peer does beyond its due; the name is the label of `serin_http_glitches_total`.
enum HTTP2Glitch: Int, CaseIterable {
    case ping, settings, priority, unknown, reset, refused, smallData
    case windowUpdate, provokedReset, invalidFrame, headerList

    /// The first so many have a bucket.
    static let bucketCount = 7

    var label: String {
        switch self {
        case .ping: "ping"
        case .settings: "settings"
        case .priority: "priority"
        case .unknown: "unknown_frame"
        case .reset: "reset"
        case .refused: "refused_stream"
        case .smallData: "small_data"
        case .windowUpdate: "window_update"
        case .provokedReset: "provoked_reset"
        case .invalidFrame: "invalid_frame"
        case .headerList: "header_list"
        }
    }
}

/// The limits in the buckets' form.
struct HTTP2Rates: Sendable {
    let buckets: InlineArray<7, TokenBucket.Rate>
    let glitches: TokenBucket.Rate
    let emptyData: Int
    let framesPerRound: Int

    init(_ limits: HTTP2Limits) {
        func rate(_ count: Int) -> TokenBucket.Rate { .init(count, within: HTTP2Limits.windowNanos) }
        buckets = [
            rate(limits.pings), rate(limits.settings), rate(limits.priorities), rate(limits.unknownFrames),
            rate(limits.resets), rate(limits.resets), rate(limits.smallData),
        ]
        glitches = .init(limits.glitches, within: HTTP2Limits.glitchWindowNanos)
        emptyData = limits.emptyData
        framesPerRound = limits.framesPerRound
    }

    func bucket(_ glitch: HTTP2Glitch) -> TokenBucket.Rate { buckets[glitch.rawValue] }
}

struct HTTP2Budget {
    enum Verdict: Equatable {
        case fine
        /// Beyond its due, within the budget.
        case glitch(HTTP2Glitch)
        /// Three quarters of the budget are gone: take no new streams.
        case warn(HTTP2Glitch)
        /// The budget is gone.
        case end(HTTP2Glitch)
        /// Too much DATA without data.
        case emptyData
    }

    private var buckets: InlineArray<7, TokenBucket> = .init(repeating: TokenBucket())
    private var glitches = TokenBucket()
    private var windowUpdates = 5
    private var emptyData = 0
    private var hasWarned = false

    init() {}

    /// A stream has opened: its peer has earned the frames that go with one.
    @inline(__always)
    mutating func opened(_ rates: HTTP2Rates) {
        windowUpdates &+= 2
        buckets[HTTP2Glitch.priority.rawValue].give(rates.bucket(.priority), count: 2)
        buckets[HTTP2Glitch.smallData.rawValue].give(rates.bucket(.smallData), count: 4)
    }

    /// A request was answered.
    @inline(__always)
    mutating func answered(_ rates: HTTP2Rates) {
        windowUpdates &+= 20
        buckets[HTTP2Glitch.ping.rawValue].give(rates.bucket(.ping), count: 1)
    }

    /// A frame has come from the peer.
    @inline(__always)
    mutating func received(_ frame: HTTP2FrameHeader, _ rates: HTTP2Rates, _ now: UInt64) -> Verdict {
        switch UInt32(frame.type) {
        case NGHTTP2_DATA.rawValue: return data(frame, rates, now)
        case NGHTTP2_HEADERS.rawValue, NGHTTP2_CONTINUATION.rawValue, NGHTTP2_GOAWAY.rawValue: return .fine
        case NGHTTP2_WINDOW_UPDATE.rawValue:
            if windowUpdates > 0 {
                windowUpdates &-= 1
                return .fine
            }
            return spend(1, .windowUpdate, rates, now)
        case NGHTTP2_PING.rawValue: return take(.ping, rates, now)
        case NGHTTP2_SETTINGS.rawValue: return take(.settings, rates, now)
        case NGHTTP2_RST_STREAM.rawValue: return take(.reset, rates, now)
        case NGHTTP2_PRIORITY.rawValue, NGHTTP2_PRIORITY_UPDATE.rawValue: return take(.priority, rates, now)
        default: return take(.unknown, rates, now)
        }
    }

    private mutating func data(_ frame: HTTP2FrameHeader, _ rates: HTTP2Rates, _ now: UInt64) -> Verdict {
        if frame.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 { return .fine }
        var count = frame.length
        if frame.flags & UInt8(NGHTTP2_FLAG_PADDED.rawValue) != 0 { count -= 1 + Int(frame.firstByte ?? 0) }
        if count > 0 { emptyData = 0 } else { emptyData += 1 }
        if emptyData > rates.emptyData { return .emptyData }
        return count < HTTP2Limits.smallDataBytes ? take(.smallData, rates, now) : .fine
    }

    /// One of a kind that has a bucket.
    mutating func take(_ kind: HTTP2Glitch, _ rates: HTTP2Rates, _ now: UInt64) -> Verdict {
        if buckets[kind.rawValue].take(rates.bucket(kind), now) { return .fine }
        return spend(1, kind, rates, now)
    }

    /// Glitches, whatever the buckets hold.
    mutating func spend(_ count: UInt64, _ glitch: HTTP2Glitch, _ rates: HTTP2Rates, _ now: UInt64) -> Verdict {
        guard glitches.take(rates.glitches, now, count: count) else { return .end(glitch) }
        guard !hasWarned, glitches.percentTaken(rates.glitches, now) >= HTTP2Limits.warnPercent else {
            return .glitch(glitch)
        }
        hasWarned = true
        return .warn(glitch)
    }
}
