// Which streams of an HTTP/2 connection have been, for frames on streams that are no more.
//
//     1 ─ 3 ─ 5 ─ · ─ · ─ 11 ─ · ─ 15 = highest        ·: skipped, and closed by RFC 9113, 5.1
//     closed: [ …, 5, …, 3, … ]  at (identifier / 2) mod 64
//
// libnghttp2 keeps no closed streams, so it cannot tell a frame on one from a frame that was under way when
// this side reset the stream, and drops both silently; nor does it see HEADERS on an identifier that was skipped:
// the one conformance test that nghttpd fails.
//
// Remembered is only what no sound peer can touch again: streams that it has ended or reset itself, the last 64 of
// them, and the last 4 gaps. A stream that this side has reset is not among them, so a frame that crossed the reset
// is never mistaken for an error. What has been forgotten is dropped as the library does, which 5.1 allows too.

import CNghttp2

struct StreamHistory: ~Copyable {
    private var highest: Int32 = -1
    private var closed = InlineArray<64, Int32>(repeating: 0)
    private var gaps = InlineArray<4, Gap>(repeating: Gap(first: 1, last: 0))
    private var gapCount = 0

    private struct Gap { var first: Int32, last: Int32 }

    init() {}

    /// HEADERS: a new stream, trailers of one that is open, or an error.
    @inline(__always)
    mutating func headers(_ id: Int32) -> nghttp2_error_code {
        if id > highest {
            // The library refuses even identifiers.
            if id > highest + 2 { remember(gap: Gap(first: highest + 2, last: id - 2)) }
            highest = id
            return NGHTTP2_NO_ERROR
        }
        if isSkipped(id) { return NGHTTP2_PROTOCOL_ERROR }
        return isClosed(id) ? NGHTTP2_STREAM_CLOSED : NGHTTP2_NO_ERROR
    }

    private mutating func remember(gap: Gap) {
        gaps[gapCount & 3] = gap
        gapCount += 1
    }

    private func isSkipped(_ id: Int32) -> Bool {
        for index in 0..<4 where gaps[index].first <= id && id <= gaps[index].last { return true }
        return false
    }

    /// RST_STREAM from the peer; on an idle stream it is an error that the library sees.
    mutating func reset(_ id: Int32) {
        if id <= highest { remember(closed: id) }
    }

    mutating func remember(closed id: Int32) { closed[Self.place(id)] = id }

    @inline(__always)
    func isClosed(_ id: Int32) -> Bool { id != 0 && closed[Self.place(id)] == id }

    private static func place(_ id: Int32) -> Int { Int(id >> 1) & 63 }
}
