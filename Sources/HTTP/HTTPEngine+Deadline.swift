// How long a peer may take: for header fields, for a body, and with nothing to say.

extension HTTPEngine {
    /// When the connection wants `expire`, in nanoseconds of `now`.
    public func deadline(_ handle: UnsafeMutableRawPointer) -> UInt64 {
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        return min(peerDeadline(connection), requestDeadline(connection))
    }

    /// By when the peer must have done the next thing.
    private func peerDeadline(_ connection: Connection) -> UInt64 {
        if isGreeting(connection) { return connection.pointee.openedAt + limits.headerNanos }
        if connection.pointee.noticedAt != 0 { return connection.pointee.noticedAt + HTTPLimits.noticeNanos }
        if connection.pointee.version == .http1, connection.pointee.http1.isInHead {
            return connection.pointee.http1.headSince + limits.headerNanos
        }
        if connection.pointee.receivingCount > 0 {
            return connection.pointee.receivingSince + shortestRequestNanos(connection)
        }
        if connection.pointee.firstStream != nil { return Self.never }
        return connection.pointee.activeAt + limits.idleNanos
    }

    /// The peer has not yet said what it speaks, or not yet sent HTTP/2's SETTINGS.
    private func isGreeting(_ connection: Connection) -> Bool {
        switch connection.pointee.version {
        case .detecting: true
        case .http2: !connection.pointee.hasSettings
        case .http1: connection.pointee.isSilent
        }
    }

    private func shortestRequestNanos(_ connection: Connection) -> UInt64 {
        connection.pointee.headerStream == nil ? limits.bodyNanos : min(limits.headerNanos, limits.bodyNanos)
    }

    /// The deadline has passed: of requests that wait, or of the peer.
    public func expire(_ handle: UnsafeMutableRawPointer) {
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        if requestDeadline(connection) <= now {
            expireRequests(connection)
            if peerDeadline(connection) > now { return }
        }
        expirePeer(connection)
    }

    /// Answers 408 where a request hangs, or ends the connection.
    private func expirePeer(_ connection: Connection) {
        if isGreeting(connection) { return end(connection) }
        if connection.pointee.noticedAt != 0 {
            connection.pointee.noticedAt = 0
            return http2GoAway(connection)
        }
        if connection.pointee.version == .http1, connection.pointee.http1.isInHead {
            return http1Fail(connection, HTTPFault(408, "the header fields did not arrive in time"))
        }
        if connection.pointee.receivingCount > 0 { return expireStreams(connection) }
        if connection.pointee.version == .http2 { return http2GoAway(connection) }
        end(connection)
    }

    private func end(_ connection: Connection) {
        connection.pointee.isEnding = true
    }

    /// Ends the streams that have been receiving for too long, and finds the oldest of the others.
    private func expireStreams(_ connection: Connection) {
        var oldest = UInt64.max
        var next = connection.pointee.firstStream
        while let stream = next {
            next = stream.pointee.next
            guard stream.pointee.phase == .receiving else { continue }
            let isInHead = stream == connection.pointee.headerStream
            let limit = isInHead ? limits.headerNanos : limits.bodyNanos
            if stream.pointee.startedAt + limit > now {
                oldest = min(oldest, stream.pointee.startedAt)
            } else if connection.pointee.version == .http2 {
                http2Expire(stream, isInHead: isInHead)
            } else {
                http1Fail(connection, HTTPFault(408, "the body did not arrive in time"))
            }
        }
        connection.pointee.receivingSince = oldest
    }
}
