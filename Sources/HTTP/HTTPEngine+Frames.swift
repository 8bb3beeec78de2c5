// From a read's bytes to libnghttp2: frame by frame where it matters, in runs of whole frames where it does not.
//
//     bytes  [ … frame │ frame │ frame │ frame … ]
//     run      └── given at once ──┘ ▲ a look: SETTINGS, an error, a full round, the clock

import CNghttp2
import Primitives

extension HTTPEngine {
    /// Bytes that are handed over piece by piece.
    private struct Run {
        let bytes: UnsafeRawBufferPointer
        /// Where walking is, and up to where the library has them.
        var offset = 0
        var given = 0
    }

    /// Takes the bytes of as many frames as the connection's turn allows; returns how many bytes.
    func http2Take(_ connection: Connection, _ bytes: UnsafeRawBufferPointer) -> Int {
        if connection.pointee.framesAt != now {
            connection.pointee.framesAt = now
            connection.pointee.frames = 0
        }
        var run = Run(bytes: bytes)
        defer { enforce(connection) }
        while true {
            connection.pointee.walk.skip(bytes, &run.offset)
            if run.offset == bytes.count { break }
            if connection.pointee.walk.isAtFrame, isOver(connection, &run) { return run.offset }
            let start = run.offset
            guard let frame = connection.pointee.walk.next(bytes, &run.offset) else {
                // The walk keeps the part of a header that has come.
                feed(connection, &run, upTo: start)
                return bytes.count
            }
            if frame.isHeld { run.given = run.offset }
            guard take(connection, frame, &run, from: start) else { return run.offset }
        }
        feed(connection, &run, upTo: run.offset)
        return run.offset
    }

    /// Between two frames: whether the others' turn has come.
    @inline(__always)
    private func isOver(_ connection: Connection, _ run: inout Run) -> Bool {
        if connection.pointee.frames >= rates.framesPerRound {
            count(.framesPerRound)
            feed(connection, &run, upTo: run.offset)
            return true
        }
        guard turn.isLookDue else { return false }
        // What is timed is the library's work, and what it calls.
        feed(connection, &run, upTo: run.offset)
        return connection.pointee.isEnding || isTurnOver()
    }

    /// Judges a frame whose header has come; false: nothing behind it is taken.
    @inline(__always)
    private func take(_ connection: Connection, _ frame: HTTP2FrameHeader, _ run: inout Run, from start: Int) -> Bool {
        connection.pointee.frames += frame.weight
        turn.add(frame.weight + frame.length >> 10)
        let verdict = connection.pointee.budget.received(frame, rates, now)
        if verdict != .fine {
            obey(connection, verdict)
            // What has come so far is still taken; the session is ended behind it.
            if connection.pointee.isOverBudget {
                feed(connection, &run, upTo: start)
                return false
            }
        }
        let code = connection.pointee.walk.judge(frame)
        if code != NGHTTP2_NO_ERROR {
            feed(connection, &run, upTo: start)
            breach(connection, code)
            run.offset = run.bytes.count
            return false
        }
        if frame.isHeld { feedHeld(connection) }
        guard UInt32(frame.type) == NGHTTP2_SETTINGS.rawValue else { return true }
        feed(connection, &run, upTo: run.offset)
        connection.pointee.queuedBefore = nghttp2_session_get_outbound_queue_size(connection.pointee.session)
        return true
    }

    /// An error of the connection that the library does not see.
    private func breach(_ connection: Connection, _ code: nghttp2_error_code) {
        connection.pointee.ending = .error
        nghttp2_session_terminate_session(connection.pointee.session, code.rawValue)
    }

    /// Hands over what of the run stands before `end`.
    @inline(__always)
    private func feed(_ connection: Connection, _ run: inout Run, upTo end: Int) {
        guard end > run.given, let base = run.bytes.baseAddress else { return }
        feed(connection, base + run.given, end - run.given)
        run.given = end
    }

    /// Hands over a header that came in pieces.
    private func feedHeld(_ connection: Connection) {
        let held = connection.pointee.walk.held
        withUnsafeBytes(of: held) { bytes in
            if let base = bytes.baseAddress { feed(connection, base, bytes.count) }
        }
    }

    private func feed(_ connection: Connection, _ bytes: UnsafeRawPointer, _ count: Int) {
        let taken = nghttp2_session_mem_recv(
            connection.pointee.session, bytes.assumingMemoryBound(to: UInt8.self), count)
        if connection.pointee.consumed > 0 {
            nghttp2_session_consume_connection(connection.pointee.session, connection.pointee.consumed)
            connection.pointee.consumed = 0
        }
        // Protocol errors queue a GOAWAY by themselves; what is left is a broken preface or no memory.
        if taken < 0 {
            connection.pointee.ending = .error
            connection.pointee.isEnding = true
        }
    }
}
