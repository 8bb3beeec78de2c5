// Requests that wait: each may have a deadline, and is told to its handler when it passes.
//
//     header fields with a span, body to come ──┐
//     watch(stream, until:) by the handler ─────┴─► stream.deadline ─► connection.requestDue (a lower bound)
//     the connection's timer fires ─► every stream that is due ─► handler.expired(stream)
//
// A connection has one timer. It is armed after a round, and only for streams that then still wait, so a
// request that is answered in the round that brought it costs one comparison and never touches the wheel.
// The bound is not raised when a stream is answered: the timer then fires once for nothing and finds
// the next one.

extension HTTPEngine {
    static let never = UInt64.max >> 1

    /// The handler hears of the stream with `expired` at `deadline` (of `now`'s clock), unless it is answered before.
    public func watch(_ stream: Stream, until deadline: UInt64) {
        stream.pointee.deadline = deadline
        let connection = stream.pointee.connection
        if deadline < connection.pointee.requestDue { connection.pointee.requestDue = deadline }
    }

    /// The header fields are whole, and the body is to come or to be inflated: its time runs already.
    func watchBody(_ stream: Stream) {
        let nanos = stream.pointee.timeoutNanos
        if nanos != RequestTimeout.none, stream.pointee.phase != .answered {
            watch(stream, until: stream.pointee.startedAt + nanos)
        }
    }

    /// When the first of the waiting requests is due.
    func requestDeadline(_ connection: Connection) -> UInt64 {
        if connection.pointee.firstStream == nil { connection.pointee.requestDue = Self.never }
        return connection.pointee.requestDue
    }

    /// Tells the handler of every stream that is due, and finds when the next one is.
    func expireRequests(_ connection: Connection) {
        var earliest = Self.never
        // The handler may watch on: what it asks for is not lost.
        connection.pointee.requestDue = Self.never
        var next = connection.pointee.firstStream
        while let stream = next {
            next = stream.pointee.next
            if stream.pointee.phase == .answered { continue }
            if stream.pointee.deadline > now {
                earliest = min(earliest, stream.pointee.deadline)
            } else {
                stream.pointee.deadline = Self.never
                expire(stream)
            }
        }
        connection.pointee.requestDue = min(connection.pointee.requestDue, earliest)
    }

    private func expire(_ stream: Stream) {
        let connection = stream.pointee.connection
        let isReceiving = stream.pointee.phase == .receiving
        handler.expired(handler.context, stream)
        // HTTP/1.1: what is still to come of the body cannot be told apart from a next request.
        if isReceiving, stream.pointee.phase == .answered, connection.pointee.http1.stream == stream {
            connection.pointee.http1.stream = nil
            connection.pointee.isEnding = true
        }
    }
}
