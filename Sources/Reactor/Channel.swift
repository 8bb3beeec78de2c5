// One accepted socket, in a slab of its reactor.
//
//     announcing ─► open ──► lingering ──► (closed)       announcing: a proxy is yet to say for whom it connects; lingering: our side is shut; input is read and dropped
//       └──────────────────────►            for a second, so that a last answer is not reset away
//
// epoll's token is generation and descriptor: an event that was queued for an earlier socket with
// the same descriptor number carries an older generation and is dropped.

import Primitives

struct Channel: ~Copyable {
    enum State: UInt8 { case announcing, open, lingering }

    var descriptor: Int32 = -1
    /// Counts the sockets this slot has held.
    var generation: UInt32 = 0
    var state = State.open
    /// The peer has finished sending.
    var hasEnded = false
    /// Waits in the reactor's list of channels with output.
    var isDirty = false
    /// Waits in the reactor's queue for its turn.
    var isWaiting = false
    var nextWaiting: UnsafeMutablePointer<Channel>?
    var previousWaiting: UnsafeMutablePointer<Channel>?
    var use = ChannelUse()
    /// In the reactor's listeners.
    var listener = 0
    var address = PeerAddress()
    /// The address is counted among its reactors' connections.
    var isCounted = true
    /// Since when the kernel takes no more, and what it has taken since.
    var blockedAt: UInt64 = 0
    var sentBlocked = 0
    /// Bytes that were read and dropped while lingering.
    var lingered = 0
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

    init(at place: UnsafeMutablePointer<Channel>) {
        timer = .allocate(capacity: 1)
        timer.initialize(to: TimerNode(owner: UnsafeMutableRawPointer(place)))
    }

    /// The slot holds a new socket.
    mutating func open(_ descriptor: Int32, _ listener: Int, _ address: PeerAddress) {
        self.descriptor = descriptor
        generation = (generation &+ 1) & 0x7FFF_FFFF
        state = .open
        hasEnded = false
        self.listener = listener
        self.address = address
        isCounted = true
        use = ChannelUse()
        lingered = 0
    }

    deinit { timer.deallocate() }
}
