// Mutated conversations of HTTP/1.1 and HTTP/2, each fed whole and then in pieces cut anywhere: the handler must see the
// same requests, the peer must get the same bytes, and the connection must end, or not, in both.
//
// How long, and from which seed: FuzzRounds; best under the address sanitizer.

import CNghttp2
import FuzzSupport
import Testing

@testable import HTTP

/// What came of a conversation.
private struct Outcome: Equatable {
    var seen: [SeenRequest]
    var output: String
    var isFinished: Bool
}

@Suite(.serialized) struct FuzzTests {
    private static var limits: HTTPLimits {
        var limits = HTTPLimits()
        limits.headerBytes = 1 << 10
        limits.bodyBytes = 2 << 10
        limits.streams = 3
        return limits
    }

    /// Feeds `pieces` one by one; `answersBetween`: output is taken after each.
    private func converse(_ pieces: [ArraySlice<UInt8>], answersBetween: Bool) -> Outcome {
        let harness = EngineHarness(limits: Self.limits)
        let connection = harness.open()
        var output: [UInt8] = []
        for piece in pieces {
            harness.feed(connection, piece)
            if answersBetween { output += harness.output(connection) }
        }
        output += harness.output(connection)
        let isFinished = harness.engine.isFinished(connection)
        harness.engine.close(connection)
        return Outcome(seen: harness.seen, output: String(decoding: output, as: UTF8.self), isFinished: isFinished)
    }

    private func cut(_ bytes: [UInt8], _ random: inout SplitMix) -> [ArraySlice<UInt8>] {
        let longest = [1, 3, 20, 400].randomElement(using: &random)!
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 1...longest, using: &random))
            pieces.append(bytes[start..<end])
            start = end
        }
        return pieces
    }

    private func mutate(_ document: [UInt8], _ tokens: [[UInt8]], _ random: inout SplitMix) -> [UInt8] {
        var document = document
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let place = Int.random(in: 0...document.count, using: &random)
            let end = min(document.count, place + Int.random(in: 0...12, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0: document.insert(contentsOf: tokens.randomElement(using: &random)!, at: place)
            case 1: document.removeSubrange(place..<end)
            case 2: document.insert(contentsOf: document[place..<end], at: place)
            case 3: if place < document.count { document[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
            case 4: if place < document.count { document[place] = .random(in: 0...255, using: &random) }
            default: document.replaceSubrange(place..<end, with: tokens.randomElement(using: &random)!)
            }
        }
        return document
    }

    /// Runs `check` on new documents, and returns how many there were.
    private func run(
        _ least: Int, _ seeds: [[UInt8]], _ tokens: [[UInt8]], _ check: ([UInt8], inout SplitMix) -> Void
    ) -> Int {
        var rounds = FuzzRounds(least)
        var random = SplitMix(seed: rounds.seed)
        var count = 0
        while rounds.next() {
            var document: [UInt8] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) { document += seeds.randomElement(using: &random)! }
            check(mutate(document, tokens, &random), &random)
            count += 1
        }
        return count
    }

    // MARK: HTTP/1.1

    private static let requests = [
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD /b?c=d HTTP/1.1\r\nHost: [::1]:80\r\nX: y\r\n\r\n",
        "POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde",
        "POST /d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\nT: 1\r\n\r\n",
        "POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nxy",
        "GET /f HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET http://h/g HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ].map { Array($0.utf8) }

    private static let words = [
        "\r\n", "\n", "\r", "\r\n\r\n", " ", "\t", ":", "\0", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
        "0\r\n\r\n", "5\r\nabcde\r\n", ";ext", "ffffffffffffffff", "Host: b\r\n", "HTTP/1.1", "HTTP/2.0", "PRI *", "G",
        "é",
        "X: " + String(repeating: "a", count: 1000) + "\r\n", "\r\n ", String(repeating: "b", count: 300), "801\r\n",
        "Expect: 100-continue\r\n", "Connection: close\r\n", "_",
    ].map { Array($0.utf8) }

    /// Takes out what depends on when bytes come: dates, and leave to send a body that is not there yet.
    private static func forgetTime(_ outcome: inout Outcome) {
        outcome.output.replace(/\r\ndate: [^\r]*/, with: "")
        outcome.output.replace("HTTP/1.1 100 Continue\r\n\r\n", with: "")
    }

    @Test func http1DoesNotDependOnHowItsBytesAreCut() {
        var (answered, refused) = (0, 0)
        let count = run(600, Self.requests, Self.words) { document, random in
            var whole = converse([document[...]], answersBetween: false)
            var cutUp = converse(cut(document, &random), answersBetween: Bool.random(using: &random))
            Self.forgetTime(&whole)
            Self.forgetTime(&cutUp)
            #expect(whole == cutUp, "\(String(decoding: document, as: UTF8.self).debugDescription)")
            answered += whole.seen.count
            refused += whole.output.contains("HTTP/1.1 400 ") ? 1 : 0
        }
        print("fuzz HTTP/1.1: \(count) conversations, \(answered) requests, \(refused) refused")
        #expect(count > 100 && answered > 100 && refused > 10)
    }

    // MARK: HTTP/2

    private static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags, 0, 0, 0, stream] + payload
    }

    /// GET, http, `/` and an authority of one letter, without indexing.
    private static let block: [UInt8] = [0x82, 0x86, 0x84, 0x01, 0x01, 0x61]

    private static let frames: [[UInt8]] = [
        frame(1, 5, 1, block), frame(1, 5, 3, block), frame(1, 4, 5, block), frame(0, 1, 5, Array("abcde".utf8)),
        frame(0, 0, 5, []), frame(1, 1, 9, Array(block.prefix(3))), frame(9, 4, 9, Array(block.dropFirst(3))),
        frame(3, 0, 5, [0, 0, 0, 8]), frame(8, 0, 0, [0, 0, 1, 0]), frame(8, 0, 1, [0x7f, 0xff, 0xff, 0xff]),
        frame(4, 0, 0, []), frame(4, 0, 0, [0, 4, 0x7f, 0xff, 0xff, 0xff]), frame(4, 1, 0, []),
        frame(6, 0, 0, Array("12345678".utf8)), frame(2, 0, 3, [0, 0, 0, 1, 9]), frame(0x42, 0, 0, [1, 2, 3]),
    ]

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, [0, 4, 0, 0, 0, 100])

    @Test func http2DoesNotDependOnHowItsBytesAreCut() {
        var (answered, broken) = (0, 0)
        let count = run(1500, Self.frames, Self.frames + [[0], [0, 0], [5], [255, 255, 255, 255]]) { document, random in
            // After the peer's GOAWAY the library reads on to the end of the piece it has.
            if document.contains(UInt8(NGHTTP2_GOAWAY.rawValue)) { return }
            let document = Self.preface + document
            let whole = converse([document[...]], answersBetween: false)
            let cutUp = converse(cut(document, &random), answersBetween: false)
            #expect(whole == cutUp, "\(document)")
            answered += whole.seen.count
            broken += whole.isFinished ? 1 : 0
        }
        print("fuzz HTTP/2: \(count) conversations, \(answered) requests, \(broken) broken")
        #expect(count > 100 && answered > 100 && broken > 10)
    }
}
