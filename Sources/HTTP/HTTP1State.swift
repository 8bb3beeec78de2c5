// What an HTTP/1.1 connection keeps between reads.
//
//     head ──► body ──► head ──► …        a request at a time is parsed; its answer may come later
//
// Requests that were parsed and wait for their answers stand in the connection's list of streams,
// in the order they came, and leave in that order.

import CHTTPParser
import Primitives

struct HTTP1State: ~Copyable {
    enum Phase: UInt8 { case head, body }

    var phase = Phase.head
    var parser = http_parser()
    /// Input that is not parsed yet.
    var input = GrowableBuffer()
    /// There is input that could be parsed, and is not yet: the turn was over, or too many requests are in flight.
    var isBehind = false
    /// Bytes of `input` already searched for the end of the head.
    var searched = 0
    /// When the first byte of the unfinished head came.
    var headSince: UInt64 = 0
    /// The request that is being parsed.
    var stream: UnsafeMutablePointer<HTTPStream>?
    /// The field that http-parser is reporting, gathered because it may come in pieces.
    var name = GrowableBuffer()
    var value = GrowableBuffer()
    var isInValue = false
    var body = HTTP1Body()
    /// The empty line that is forgiven before a request line has come.
    var hasBlankLine = false
    /// The peer waits for `100 Continue`.
    var owesContinue = false
    /// `100 Continue` goes out before the next answer.
    var isContinueDue = false

    init() {}

    /// Part of a request's head has come, and not all of it.
    var isInHead: Bool { phase == .head && input.count > 0 }

    /// A head that is whole begins a request.
    mutating func begin(_ stream: UnsafeMutablePointer<HTTPStream>, _ head: HTTP1Head, _ limits: HTTPLimits) {
        self.stream = stream
        stream.pointee.isVersion10 = head.minor == 0
        body = HTTP1Body(
            head.framing, .init(extensionBytes: limits.chunkExtensionBytes, smallChunks: limits.smallChunks))
        phase = .body
        hasBlankLine = false
        isInValue = false
        name.count = 0
        value.count = 0
        http_parser_init(&parser, HTTP_REQUEST)
    }

    mutating func reset() {
        phase = .head
        input.reset(keeping: 0)
        isBehind = false
        searched = 0
        stream = nil
        name.reset()
        value.reset()
        isInValue = false
        hasBlankLine = false
        owesContinue = false
        isContinueDue = false
    }
}
