// One request in flight, at a fixed address: what was asked, when it was due, and what has come back so far.
//
//     free ──take──► in flight ──end of stream, timeout, broken connection──► free      generation + 1
//
// Whatever still holds the slot's index from before (a timeout in the queue) sees another generation and lets go.

internal import Primitives

struct RequestSlot: ~Copyable {
    var generation: UInt32 = 0
    var isLive = false
    var phase: Int32 = 0
    /// Which of the class's requests, and which key; -1: no key.
    var request: Int32 = 0
    var key: Int32 = -1
    /// A user of a closed loop.
    var isClosed = false
    /// Nanoseconds of the monotonic clock.
    var due: UInt64 = 0
    var connection: Int32 = -1
    var stream: Int32 = 0
    /// Bytes of the body that were handed to nghttp2.
    var bodySent = 0
    var status: Int32 = 0
    /// gRPC's; -1: none came.
    var grpcStatus: Int32 = -1
    /// Of the record's versions of the class; 0: none came.
    var version: Int32 = 0
    var isFallback = false
    var answer = GrowableBuffer()

    static let answerBytesMax = 16 << 20
    /// Of an answer that nobody reads, what an error quotes.
    static let quoteBytesMax = 256

    mutating func take(due: UInt64, phase: Int32, request: Int32, key: Int32, isClosed: Bool) {
        isLive = true
        (self.due, self.phase, self.request, self.key, self.isClosed) = (due, phase, request, key, isClosed)
        (bodySent, status, grpcStatus, version, isFallback) = (0, 0, -1, 0, false)
        answer.count = 0
    }
}
