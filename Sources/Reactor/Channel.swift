// One accepted socket, in a slab of its reactor.
//
//     open ──► lingering ──► (closed)       lingering: our side is shut; input is read and dropped
//       └──────────────────────►            for a second, so that a last answer is not reset away
//
// epoll's token is generation and descriptor: an event that was queued for an earlier socket with
// the same descriptor number carries an older generation and is dropped.

import Primitives

struct Channel: ~Copyable {
    enum State: UInt8 { case open, lingering }

    var descriptor: Int32 = -1
    /// Counts the sockets this slot has held.
    var generation: UInt32 = 0
    var state = State.open
    /// The peer has finished sending.
    var hasEnded = false
    /// Waits in the reactor's list of channels with output.
    var isDirty = false
    /// epoll's interest as the kernel knows it.
    var interest: UInt32 = 0
    /// The protocol's connection.
    var connection: UnsafeMutableRawPointer?
    let timer: UnsafeMutablePointer<TimerNode>
    /// Bytes that the kernel did not take; `unsentStart` of them have gone since.
    var unsent = GrowableBuffer()
    var unsentStart = 0
    /// The reactor's list of open channels.
    var next: UnsafeMutablePointer<Channel>?
    var previous: UnsafeMutablePointer<Channel>?

    var token: UInt64 { UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor)) }
    var isBlocked: Bool { unsent.count > unsentStart }

    init(at address: UnsafeMutablePointer<Channel>) {
        timer = .allocate(capacity: 1)
        timer.initialize(to: TimerNode(owner: UnsafeMutableRawPointer(address)))
    }

    deinit { timer.deallocate() }
}
