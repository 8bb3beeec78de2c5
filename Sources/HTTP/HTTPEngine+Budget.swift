// What a connection's peer costs, held against its due: glitches, windows, and how it ended.

import CNghttp2
import Primitives

extension HTTPEngine {
    @inline(__always)
    func count(_ limit: HTTPLimit) { metrics?.count(limit) }

    // MARK: Protocol

    /// The connection's protocol is known.
    func speak(_ connection: Connection, _ version: HTTPConnection.Version) {
        metrics?.left(connection.pointee.version)
        connection.pointee.version = version
        metrics?.opened(version)
    }

    /// The connection ends: because of what this side said, or because the peer left.
    func countEnding(_ connection: Connection) {
        guard let metrics else { return }
        metrics.left(connection.pointee.version)
        if let ending = connection.pointee.ending { return metrics.closed(ending) }
        if connection.pointee.hasEnded { return metrics.closed(.peer) }
        if connection.pointee.isDraining { return metrics.closed(.drain) }
        if connection.pointee.isRefusing { return metrics.closed(.limit) }
        metrics.closed(isFinished(UnsafeMutableRawPointer(connection)) ? .request : .reset)
    }

    // MARK: Glitches

    /// Something that costs glitches has happened.
    func spend(_ connection: Connection, _ glitch: HTTP2Glitch, _ glitches: UInt64 = 1) {
        obey(connection, connection.pointee.budget.spend(glitches, glitch, rates, now))
    }

    /// A header list was cut off, which has cost much more than its bytes.
    func cutHeaderList(_ connection: Connection) {
        count(.headerBytes)
        spend(connection, .headerList, HTTP2Limits.headerBombGlitches)
    }

    /// A stream was refused because too many are open.
    func countRefusal(_ connection: Connection) {
        count(.streams)
        obey(connection, connection.pointee.budget.take(.refused, rates, now))
    }

    func obey(_ connection: Connection, _ verdict: HTTP2Budget.Verdict) {
        if connection.pointee.isOverBudget { return }
        switch verdict {
        case .fine: break
        case .glitch(let glitch): metrics?.count(glitch)
        case .warn(let glitch):
            metrics?.count(glitch)
            count(.glitchesWarned)
            connection.pointee.isWarned = true
        case .end(let glitch):
            metrics?.count(glitch)
            count(.glitches)
            connection.pointee.isOverBudget = true
        case .emptyData:
            count(.emptyData)
            connection.pointee.isOverBudget = true
        }
    }

    /// Outside libnghttp2's callbacks: ends what is over its budget, and warns what comes near it.
    func enforce(_ connection: Connection) {
        if connection.pointee.isOverBudget, !connection.pointee.isEnding {
            connection.pointee.ending = .limit
            connection.pointee.isEnding = true
            connection.pointee.heldInput.reset(keeping: 0)
            nghttp2_session_terminate_session(connection.pointee.session, NGHTTP2_ENHANCE_YOUR_CALM.rawValue)
            outputReady(connection)
        } else if connection.pointee.isWarned {
            connection.pointee.isWarned = false
            if connection.pointee.isDraining { return }
            connection.pointee.isDraining = true
            connection.pointee.ending = .limit
            http2Notice(connection)
            outputReady(connection)
        }
    }

    // MARK: Windows

    /// Body bytes have come: the connection's window opens again when the read is taken, the stream's as far as memory allows.
    ///
    /// Without more than the first window a body cannot grow beyond 64 KiB. One stream of a connection at a time gets
    /// more, the others when it is done: so that a peer with a hundred unfinished bodies costs 7 MiB and not 100.
    func openWindow(_ stream: Stream, _ count: Int) {
        let connection = stream.pointee.connection
        connection.pointee.consumed += count
        stream.pointee.windowHeld += count
        if stream.pointee.phase != .receiving || stream.pointee.windowHeld <= HTTPLimits.windowHeldBytes { return }
        if connection.pointee.bodyStream == nil { connection.pointee.bodyStream = stream }
        if connection.pointee.bodyStream == stream { giveWindow(stream) }
    }

    private func giveWindow(_ stream: Stream) {
        let session = stream.pointee.connection.pointee.session
        nghttp2_session_consume_stream(session, stream.pointee.id, stream.pointee.windowHeld)
        stream.pointee.windowHeld = 0
    }

    /// The stream whose body might grow receives no more: the oldest that waits for its window is next.
    func passBodyWindow(_ stream: Stream) {
        let connection = stream.pointee.connection
        connection.pointee.bodyStream = nil
        if connection.pointee.isEnding { return }
        var next = connection.pointee.firstStream
        while let other = next {
            next = other.pointee.next
            guard other != stream, other.pointee.phase == .receiving,
                other.pointee.windowHeld > HTTPLimits.windowHeldBytes
            else { continue }
            connection.pointee.bodyStream = other
            return giveWindow(other)
        }
    }
}
