// Turns of connections: what is used of a read at once, and what waits for the next turn.

import Glibc
import Primitives

extension HTTPEngine {
    /// What turns are timed with.
    static let monotonic: @convention(c) () -> UInt64 = {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Looks at the clock; true: the turn of the connection that is being served is over.
    func isTurnOver() -> Bool {
        guard turn.isOver(at: clock(), nanos: limits.turnNanos) else { return false }
        count(.turnTime)
        return true
    }

    /// Whether input that was read waits for the connection's next turn; asked where `wantsInput` is false.
    public func isBehind(_ handle: UnsafeMutableRawPointer) -> Bool {
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        if connection.pointee.isEnding { return false }
        switch connection.pointee.version {
        case .http1: return connection.pointee.http1.isBehind && hasRoom(connection)
        case .http2: return connection.pointee.heldInput.count > 0
        case .detecting: return false
        }
    }

    /// The connection's next turn: goes on with what was read.
    public func resume(_ handle: UnsafeMutableRawPointer) {
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        if connection.pointee.isEnding { return }
        turn = Turn()
        connection.pointee.activeAt = now
        switch connection.pointee.version {
        case .http1: http1Parse(connection)
        case .http2: http2Resume(connection)
        case .detecting: break
        }
    }
}
