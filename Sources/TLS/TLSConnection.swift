// One TLS connection, in a slab of its engine.
//
//     handshaking ──► open ──► ended        ended: nothing more is read; an alert may still go out
//          └────────────────────►
//
// While it shakes hands there is no HTTP connection behind it, so that whoever never finishes costs only
// OpenSSL's own state, for five seconds at most. Idle, it holds no record buffers (SSL_MODE_RELEASE_BUFFERS).

import Primitives

struct TLSConnection: ~Copyable {
    enum State: UInt8 { case handshaking, open, ended }

    /// OpenSSL's state, from the first bytes on: a silent peer costs none of it.
    var ssl: OpaquePointer?
    /// The generation it began with; one reference.
    var context: Unmanaged<TLSContext>?
    /// The engine's.
    let wire: UnsafeMutablePointer<TLSWire>
    /// The reactor's handle.
    var owner: UnsafeMutableRawPointer?
    /// The connection of the protocol above; nil until the handshake is done.
    var upper: UnsafeMutableRawPointer?
    var state = State.handshaking
    /// Over the connection limit.
    var isRefusing = false
    var isDraining = false
    /// The peer has finished sending: the socket's end, or a close_notify.
    var hasEnded = false
    /// Our close_notify is written.
    var isShut = false
    /// Handshake messages after the handshake, since `messagesSince`.
    var messages = 0
    var messagesSince: UInt64 = 0
    /// The peer asked for a renegotiation, which was refused.
    var hasRenegotiated = false
    var openedAt: UInt64 = 0
    /// Ciphertext that waits for the next write; `spillStart` bytes of it are gone.
    var spill = GrowableBuffer()
    var spillStart = 0
    var peer = PeerIdentity()
    /// The engine's list of handshakes that have begun.
    var next: UnsafeMutablePointer<TLSConnection>?
    var previous: UnsafeMutablePointer<TLSConnection>?

    init(wire: UnsafeMutablePointer<TLSWire>) { self.wire = wire }

    mutating func reset() {
        ssl = nil
        context = nil
        owner = nil
        upper = nil
        state = .handshaking
        isRefusing = false
        isDraining = false
        hasEnded = false
        isShut = false
        messages = 0
        messagesSince = 0
        hasRenegotiated = false
        spill.reset(keeping: 0)
        spillStart = 0
        peer.reset()
        next = nil
        previous = nil
    }
}
