// TLS for one reactor: its connections, between sockets' bytes and the protocol's.
//
//     bytes ──► receive ──► handshake │ SSL_read ──► handler.received
//     bytes ◄── produce ◄── alerts    │ SSL_write ◄── handler.produce
//
// It stands between a reactor and an HTTP engine and looks like the one to the other. One thread owns it.
// What a round's answers need is one SSL_write: plaintext is gathered first, so records are full up to
// 16 KiB, and one write to the socket.
//
// A handshake costs as much as a hundred requests (a signature, a key exchange), so a round spends at most
// `limits.handshakeNanos` on them: whoever comes later is left to the kernel's buffer for a round, and
// established connections are served in between. A flood of ClientHellos then delays handshakes only. A
// handshake also holds some 45 KB until it ends, so beyond `limits.handshakes` of them the oldest is given up, if a
// peer that means it would have ended it by then.

import COpenSSL
import Glibc
public import Primitives
public import Telemetry

public final class TLSEngine {
    typealias Connection = UnsafeMutablePointer<TLSConnection>

    /// Plaintext that is handed up, or gathered for a write, at once.
    static let plainBytes = 64 << 10
    static let handshakePatienceNanos: UInt64 = 250_000_000
    static let messageWindowNanos: UInt64 = 60_000_000_000

    /// The reactor's clock; its owner sets it before every call.
    public var now: UInt64 = 0
    let handler: TLSHandler
    let limits: TLSLimits
    let metrics: TLSMetrics
    let shard: MetricsShard
    private let published: Published<TLSContext>
    /// The generation that new connections get, and its number.
    private var context: TLSContext
    private var generation: UInt64
    private var connections: Slab<TLSConnection>
    let wire: UnsafeMutablePointer<TLSWire>
    let plainInput: UnsafeMutableRawPointer
    let plainOutput: UnsafeMutableRawPointer
    /// Spent on handshakes in this round.
    var handshakeNanos: UInt64 = 0
    /// Handshakes that have begun, oldest first.
    var firstHandshake: Connection?
    var lastHandshake: Connection?
    var handshakeCount = 0

    public init(
        _ published: Published<TLSContext>, handler: TLSHandler, metrics: TLSMetrics, shard: MetricsShard,
        limits: TLSLimits = TLSLimits()
    ) {
        self.limits = limits
        self.published = published
        (context, generation) = published.load()
        self.handler = handler
        self.metrics = metrics
        self.shard = shard
        let wire = UnsafeMutablePointer<TLSWire>.allocate(capacity: 1)
        wire.initialize(to: TLSWire())
        self.wire = wire
        connections = Slab { address in address.initialize(to: TLSConnection(wire: wire)) }
        // Vector code above may read 64 bytes behind what it was given.
        plainInput = .allocate(byteCount: Self.plainBytes + 64, alignment: 64)
        plainInput.initializeMemory(as: UInt8.self, repeating: 0, count: Self.plainBytes + 64)
        plainOutput = .allocate(byteCount: Self.plainBytes, alignment: 64)
    }

    deinit {
        wire.deallocate()
        plainInput.deallocate()
        plainOutput.deallocate()
    }

    // MARK: Connections

    /// A new connection; `owner` is the reactor's handle for it.
    public func open(owner: UnsafeMutableRawPointer, isRefusing: Bool) -> UnsafeMutableRawPointer {
        if published.generation != generation { (context, generation) = published.load() }
        let connection = connections.take()
        connection.pointee.reset()
        connection.pointee.owner = owner
        connection.pointee.isRefusing = isRefusing
        connection.pointee.openedAt = now
        connection.pointee.context = .passRetained(context)
        return UnsafeMutableRawPointer(connection)
    }

    /// The socket is gone.
    public func close(_ handle: UnsafeMutableRawPointer) {
        let connection = handle.assumingMemoryBound(to: TLSConnection.self)
        if connection.pointee.state == .handshaking { endHandshake(connection, .closed) }
        if let upper = connection.pointee.upper {
            handler.closed(handler.context, upper)
        } else {
            metrics.countUnopened(in: shard)
        }
        if let ssl = connection.pointee.ssl { SSL_free(ssl) }
        connection.pointee.context?.release()
        connection.pointee.reset()
        connections.give(connection)
    }

    /// Every socket that was ready has been read.
    public func roundEnded() { handshakeNanos = 0 }

    /// Whether the owner should read the socket.
    public func wantsInput(_ handle: UnsafeMutableRawPointer) -> Bool {
        let connection = handle.assumingMemoryBound(to: TLSConnection.self)
        if let upper = connection.pointee.upper { return handler.wantsInput(handler.context, upper) }
        return handshakeNanos < limits.handshakeNanos
    }

    /// Whether plaintext that was handed up waits for the connection's next turn.
    public func isBehind(_ handle: UnsafeMutableRawPointer) -> Bool {
        let connection = handle.assumingMemoryBound(to: TLSConnection.self)
        return connection.pointee.upper.map { handler.isBehind(handler.context, $0) } ?? false
    }

    public func resume(_ handle: UnsafeMutableRawPointer) {
        let connection = handle.assumingMemoryBound(to: TLSConnection.self)
        if let upper = connection.pointee.upper { handler.resume(handler.context, upper) }
    }

    /// With all output sent: is the connection at its end?
    public func isFinished(_ handle: UnsafeMutableRawPointer) -> Bool {
        let connection = handle.assumingMemoryBound(to: TLSConnection.self)
        switch connection.pointee.state {
        case .handshaking: return connection.pointee.hasEnded
        case .open: return connection.pointee.isShut
        case .ended: return true
        }
    }

    // MARK: Time

    /// When the connection wants `expire`, in nanoseconds of `now`.
    public func deadline(_ handle: UnsafeMutableRawPointer) -> UInt64 {
        let connection = handle.assumingMemoryBound(to: TLSConnection.self)
        switch connection.pointee.state {
        case .handshaking:
            let patience = connection.pointee.context.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.handshakeNanos }
            return connection.pointee.openedAt + patience
        case .open: return handler.deadline(handler.context, connection.pointee.upper.unsafelyUnwrapped)
        case .ended: return .max >> 1
        }
    }

    public func expire(_ handle: UnsafeMutableRawPointer) {
        let connection = handle.assumingMemoryBound(to: TLSConnection.self)
        switch connection.pointee.state {
        case .handshaking:
            endHandshake(connection, .timeout)
        case .open: handler.expired(handler.context, connection.pointee.upper.unsafelyUnwrapped)
        case .ended: break
        }
    }

    /// Finish what is in flight, take nothing new. A handshake that is under way may still bring one request.
    public func drain(_ handle: UnsafeMutableRawPointer) {
        let connection = handle.assumingMemoryBound(to: TLSConnection.self)
        connection.pointee.isDraining = true
        if let upper = connection.pointee.upper { handler.drain(handler.context, upper) }
    }
}
