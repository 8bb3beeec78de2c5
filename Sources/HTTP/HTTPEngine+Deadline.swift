// How long a peer may take: to say what it speaks, for header fields, for a body, to read its answer, and with
// nothing to say.
//
//     stream:  header fields ──► body ──────────────► (ours) ──► answer
//              headerNanos       bodyNanos, and at      –         at least sendRate
//                                least receiveRate
//
// A connection keeps one moment, `watchAt`, before which no stream's time can be over. Streams that begin or are
// answered pull it forward; bytes that come only push the true moment back, so nothing is done for them. When it
// passes, the streams are looked at and it is found anew.

import CNghttp2
import Primitives

extension HTTPEngine {
    /// When the connection wants `expire`, in nanoseconds of `now`.
    public func deadline(_ handle: UnsafeMutableRawPointer) -> UInt64 {
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        let due = min(deadlineOfConnection(connection), requestDeadline(connection))
        return connection.pointee.firstStream == nil ? due : min(due, connection.pointee.watchAt)
    }

    /// What is due whatever the streams do.
    private func deadlineOfConnection(_ connection: Connection) -> UInt64 {
        if isIdleInDrain(connection) { return connection.pointee.noticedAt + HTTPLimits.noticeNanos }
        if connection.pointee.version == .http2, connection.pointee.noticedAt != 0 {
            return connection.pointee.noticedAt + HTTPLimits.noticeNanos
        }
        if isGreeting(connection) { return connection.pointee.openedAt + limits.headerNanos }
        if connection.pointee.version == .http1, connection.pointee.http1.isInHead {
            return connection.pointee.http1.headSince + limits.headerNanos
        }
        if connection.pointee.firstStream != nil { return Self.never }
        return connection.pointee.activeAt + limits.idleNanos
    }

    /// HTTP/1.1, or nothing yet, in a drain: a request that is under way gets an answer, and nobody else a moment.
    private func isIdleInDrain(_ connection: Connection) -> Bool {
        guard connection.pointee.noticedAt != 0, connection.pointee.version != .http2 else { return false }
        return connection.pointee.firstStream == nil && !connection.pointee.http1.isInHead
    }

    /// The peer has not yet said what it speaks, or not yet sent HTTP/2's SETTINGS and acknowledged ours.
    private func isGreeting(_ connection: Connection) -> Bool {
        switch connection.pointee.version {
        case .detecting: true
        case .http2: !connection.pointee.hasSettings || !connection.pointee.hasAcknowledged
        case .http1: connection.pointee.isSilent
        }
    }

    /// From an HTTP/2 stream's beginning to the first moment at which its time can be over.
    var firstHeadNanos: UInt64 { min(limits.headerNanos, firstBodyNanos) }

    /// The same from the end of the header fields.
    var firstBodyNanos: UInt64 {
        limits.receiveRate == 0 ? limits.bodyNanos : min(limits.bodyNanos, limits.rateGraceNanos)
    }

    /// Some stream's time may be over at `due`.
    @inline(__always)
    func watch(_ connection: Connection, until due: UInt64) {
        if due < connection.pointee.watchAt { connection.pointee.watchAt = due }
    }

    /// An answer counts from now on, by the memory it holds, as what its peer has to read.
    @inline(__always)
    func queue(_ stream: Stream) {
        let connection = stream.pointee.connection
        stream.pointee.queuedBytes = stream.pointee.responseBody.capacity
        connection.pointee.queuedBytes += stream.pointee.queuedBytes
        if limits.sendRate > 0 { watch(connection, until: now + limits.rateGraceNanos) }
    }

    /// A deadline has passed: answer 504 to requests that wait, 408 where one hangs, or end the connection.
    public func expire(_ handle: UnsafeMutableRawPointer) {
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        if requestDeadline(connection) <= now { expireRequests(connection) }
        if connection.pointee.firstStream != nil, connection.pointee.watchAt <= now { expireStreams(connection) }
        if deadlineOfConnection(connection) <= now { expireConnection(connection) }
    }

    private func expireConnection(_ connection: Connection) {
        if isIdleInDrain(connection) {
            connection.pointee.isEnding = true
            return
        }
        if connection.pointee.version == .http2, connection.pointee.noticedAt != 0 {
            if connection.pointee.owesNotice { return http2Notice(connection) }
            connection.pointee.noticedAt = 0
            return http2GoAway(connection)
        }
        if isGreeting(connection) { return expireGreeting(connection) }
        if connection.pointee.version == .http1, connection.pointee.http1.isInHead {
            count(.headerTimeout)
            connection.pointee.ending = .timeout
            return http1Fail(connection, HTTPFault(408, "the header fields did not arrive in time"))
        }
        count(.idle)
        connection.pointee.ending = .idle
        if connection.pointee.version == .http2 { return http2GoAway(connection) }
        connection.pointee.isEnding = true
    }

    private func expireGreeting(_ connection: Connection) {
        connection.pointee.ending = .timeout
        guard connection.pointee.version == .http2, connection.pointee.hasSettings else {
            count(.headerTimeout)
            connection.pointee.isEnding = true
            return
        }
        count(.settingsTimeout)
        nghttp2_session_terminate_session(connection.pointee.session, NGHTTP2_SETTINGS_TIMEOUT.rawValue)
        connection.pointee.isEnding = true
    }

    /// Ends the streams whose time is over, and finds when the next one's is.
    private func expireStreams(_ connection: Connection) {
        connection.pointee.watchAt = .max
        var next = connection.pointee.firstStream
        while let stream = next {
            next = stream.pointee.next
            let (due, limit) = due(stream)
            if due > now { watch(connection, until: due) } else { expire(stream, limit) }
        }
    }

    /// When a stream's time is over, and which limit says so.
    private func due(_ stream: Stream) -> (UInt64, HTTPLimit) {
        let connection = stream.pointee.connection
        switch stream.pointee.phase {
        case .receiving where stream == connection.pointee.headerStream:
            return (stream.pointee.startedAt + limits.headerNanos, .headerTimeout)
        // A call that is answered message by message may be silent in between.
        case .receiving where stream.pointee.call.isOpen: return (Self.never, .bodyTimeout)
        case .receiving:
            let whole = stream.pointee.startedAt + limits.bodyNanos
            let paced = pace(stream.pointee.startedAt, stream.pointee.body.count, limits.receiveRate)
            return paced < whole ? (paced, .receiveRate) : (whole, .bodyTimeout)
        case .ready, .inflating: return (Self.never, .bodyTimeout)
        case .answered:
            // HTTP/1.1's answers leave in order, so one may wait for another; the socket's owner watches them.
            guard connection.pointee.version == .http2 else { return (Self.never, .sendRate) }
            return (pace(stream.pointee.answeredAt, stream.pointee.sent, limits.sendRate), .sendRate)
        }
    }

    /// When somebody who has moved `count` bytes since `start` is too slow.
    private func pace(_ start: UInt64, _ count: Int, _ rate: Int) -> UInt64 {
        if rate == 0 { return Self.never }
        return start + limits.rateGraceNanos + UInt64(count) * 1_000_000_000 / UInt64(rate)
    }

    private func expire(_ stream: Stream, _ limit: HTTPLimit) {
        count(limit)
        let connection = stream.pointee.connection
        switch limit {
        case .headerTimeout, .sendRate: http2Cancel(stream)
        case _ where connection.pointee.version == .http2:
            respond(stream, fault: HTTPFault(408, "the body did not arrive in time"))
        default:
            connection.pointee.ending = .timeout
            http1Fail(connection, HTTPFault(408, "the body did not arrive in time"))
        }
    }
}
