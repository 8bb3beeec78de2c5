import CNghttp2
import Testing

@testable import HTTP

@Suite struct TokenBucketTests {
    private let rate = TokenBucket.Rate(10, within: 10_000)

    /// How many tokens are got one by one.
    private func taken(_ bucket: inout TokenBucket, _ now: UInt64) -> Int {
        var count = 0
        while count < 100, bucket.take(rate, now) { count += 1 }
        return count
    }

    @Test func soManyAtOnceAndThenOneAnInterval() {
        var bucket = TokenBucket()
        #expect([50_000, 50_999, 51_000, 51_000].map { taken(&bucket, $0) } == [10, 0, 1, 0])
        #expect(bucket.percentTaken(rate, 51_000) == 100 && bucket.percentTaken(rate, 56_000) == 50)
        #expect(taken(&bucket, 1_000_000) == 10)
    }

    @Test func whatIsGivenBackIsThereAgainAndNoMore() {
        var bucket = TokenBucket()
        #expect(taken(&bucket, 50_000) == 10)
        bucket.give(rate, count: 2)
        #expect(taken(&bucket, 50_000) == 2)
        bucket.give(rate, count: 1000)
        let isAllThere = bucket.take(rate, 50_000, count: 10)
        #expect(isAllThere && taken(&bucket, 50_000) == 0)
    }
}

/// Raw frames against the engine: what is beyond a peer's due, and what becomes of it.
@Suite struct HTTP2BudgetTests {
    private let harness = EngineHarness()
    private let connection: UnsafeMutableRawPointer

    init() {
        connection = harness.open()
        harness.feed(connection, RawFrames.opening)
        _ = harness.output(connection)
    }

    private var state: UnsafeMutablePointer<HTTPConnection> {
        connection.assumingMemoryBound(to: HTTPConnection.self)
    }

    /// Feeds frames round by round until nothing is held any more; what came out.
    private func run(_ bytes: [UInt8]) -> [(type: UInt8, stream: UInt32, payload: [UInt8])] {
        harness.feed(connection, bytes)
        return RawFrames.parse(harness.output(connection))
    }

    /// The error codes of the GOAWAYs.
    private func goAways(_ frames: [(type: UInt8, stream: UInt32, payload: [UInt8])]) -> [UInt8] {
        frames.filter { $0.type == 7 }.map { $0.payload[7] }
    }

    private static let calm = UInt8(NGHTTP2_ENHANCE_YOUR_CALM.rawValue)

    private static func repeated(_ frame: [UInt8], _ count: Int) -> [UInt8] { (0..<count).flatMap { _ in frame } }

    private static let floods: [(name: String, frame: [UInt8])] = [
        ("ping", RawFrames.ping), ("settings", RawFrames.frame(4, stream: 0, [])),
        ("priority", RawFrames.frame(2, stream: 1, [0, 0, 0, 0, 1])),
        ("unknown", RawFrames.frame(0xBE, stream: 0, [1, 2, 3])),
        ("priority update", RawFrames.frame(0x10, stream: 0, [0, 0, 0, 1])),
        ("window update", RawFrames.windowUpdate(0, 1)),
    ]

    @Test(arguments: floods.indices) func aFloodIsWarnedAndThenEnded(index: Int) {
        let (name, frame) = Self.floods[index]
        let limits = harness.engine.limits.http2
        let due = name == "window update" ? 5 : 100
        #expect(goAways(run(Self.repeated(frame, due - 4))).isEmpty)
        #expect(goAways(run(Self.repeated(frame, 4 + limits.glitches * 3 / 4))).first == 0, "\(name): a notice first")
        #expect(!harness.engine.isFinished(connection))
        #expect(goAways(run(Self.repeated(frame, 10 + limits.glitches / 4))).last == Self.calm, "\(name)")
        #expect(harness.engine.isFinished(connection) && state.pointee.ending == .limit)
        harness.engine.close(connection)
    }

    @Test(arguments: floods.indices) func whatComesAtAHumanPaceIsFine(index: Int) {
        for stream in 0..<600 {
            harness.engine.now += 1_000_000_000
            var bytes = Self.floods[index].frame + Self.floods[index].frame
            bytes += RawFrames.frame(1, flags: 5, stream: UInt32(2 * stream + 1), RawFrames.get)
            #expect(goAways(run(bytes)).isEmpty)
        }
        #expect(!harness.engine.isFinished(connection) && harness.seen.count == 600)
        harness.engine.close(connection)
    }

    @Test func answersEarnPingsAndWindowUpdates() {
        for stream in 0..<2000 {
            harness.engine.now += 100_000
            let request = RawFrames.frame(1, flags: 5, stream: UInt32(2 * stream + 1), RawFrames.get)
            let frames = run(RawFrames.ping + Self.repeated(RawFrames.windowUpdate(0, 1), 8) + request)
            #expect(goAways(frames).isEmpty)
        }
        #expect(harness.seen.count == 2000)
        harness.engine.close(connection)
    }

    @Test func tenEmptyDataFramesInARowAndNotEleven() {
        let head = RawFrames.frame(1, flags: 4, stream: 1, [0x83] + RawFrames.get.dropFirst())
        let empty = RawFrames.frame(0, stream: 1, [])
        let padded = RawFrames.frame(0, flags: 8, stream: 1, [3, 0, 0, 0])
        for _ in 0..<5 {
            let bytes = (harness.seen.isEmpty && state.pointee.streamCount == 0 ? head : [])
            #expect(goAways(run(bytes + Self.repeated(empty, 5) + Self.repeated(padded, 5))).isEmpty)
            #expect(goAways(run(RawFrames.frame(0, stream: 1, [UInt8](repeating: 1, count: 100)))).isEmpty)
        }
        #expect(goAways(run(Self.repeated(empty, 6) + Self.repeated(padded, 5))).last == Self.calm)
        #expect(harness.engine.isFinished(connection))
        harness.engine.close(connection)
    }

    /// CVE-2025-8671: the peer makes this side reset its streams, so that they do not count as open.
    @Test(arguments: ["window overflow", "too long", "trailers without an end"])
    func resetsThatThePeerProvokesAreGlitches(how: String) {
        let post: [UInt8] = [0x83, 0x84, 0x86, 0x41, 1, 0x61]
        // content-length: 1
        let one: [UInt8] = [0x0F, 0x0D, 1, 0x31]
        var seen: [UInt8] = []
        for index in 0..<300 where !harness.engine.isFinished(connection) {
            let stream = UInt32(2 * index + 1)
            let rest =
                switch how {
                case "window overflow": RawFrames.windowUpdate(stream, 0x7FFF_FFFF)
                case "too long": RawFrames.frame(0, flags: 1, stream: stream, [1, 2])
                default: RawFrames.frame(1, flags: 4, stream: stream, [0x0F, 0x0D, 1, 0x32])
                }
            seen += goAways(run(RawFrames.frame(1, flags: 4, stream: stream, post + one) + rest))
        }
        #expect(seen == [0, Self.calm])
        #expect(harness.engine.isFinished(connection))
        harness.engine.close(connection)
    }

    @Test func resetsAreLimitedBeforeTheLibraryWouldEndTheConnection() {
        var seen: [UInt8] = []
        for index in 0..<900 where !harness.engine.isFinished(connection) {
            let stream = UInt32(2 * index + 1)
            let request = RawFrames.frame(1, flags: 5, stream: stream, RawFrames.get)
            seen += goAways(run(request + RawFrames.frame(3, stream: stream, [0, 0, 0, 8])))
        }
        #expect(seen == [0, Self.calm])
        harness.engine.close(connection)
    }

    @Test func aRoundTakesSoManyFramesAndTheOthersComeLater() {
        harness.answersAtOnce = true
        var bytes: [UInt8] = []
        for index in 0..<1000 {
            bytes += RawFrames.frame(1, flags: 5, stream: UInt32(2 * index + 1), RawFrames.get)
            // The peer reads: its streams end at once.
        }
        harness.feed(connection, bytes)
        #expect(harness.seen.count == 100, "as many as may be open, of the 512 frames of this round")
        #expect(!harness.engine.wantsInput(connection))
        harness.engine.close(connection)
    }

    @Test func bytesThatWaitAreTakenInOrder() {
        var limits = HTTPLimits()
        limits.http2.framesPerRound = 7
        let harness = EngineHarness(limits: limits)
        let connection = harness.open()
        var bytes = RawFrames.opening
        for index in 0..<50 {
            let stream = UInt32(2 * index + 1)
            let path = Array("/\(index)".utf8)
            let head: [UInt8] = [0x83, 0x86, 0x41, 1, 0x61, 0x04, UInt8(path.count)] + path
            bytes += RawFrames.frame(1, flags: 4, stream: stream, head)
            bytes += RawFrames.frame(0, flags: 1, stream: stream, Array("body \(index)".utf8))
        }
        harness.feed(connection, bytes)
        #expect(harness.seen.count == 2)
        var rounds = 0
        while harness.takeTurn(connection), rounds < 100 {
            _ = harness.outputOfTurn(connection)
            rounds += 1
        }
        #expect(harness.seen.map(\.target) == (0..<50).map { "/\($0)" })
        #expect(harness.seen.map(\.body) == (0..<50).map { "body \($0)" })
        #expect(rounds == 14)
        harness.engine.close(connection)
    }
}
