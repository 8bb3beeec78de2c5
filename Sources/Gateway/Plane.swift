// A reactor, its HTTP engine and what answers its requests, tied together; with TLS between them on a port.
//
//     Reactor ──ReactorHandler──► Plane ──────────────────────────► HTTPEngine ──HTTPHandler──► Plane.request(stream)
//        ▲                          └──► TLSEngine ──TLSHandler──────►┘                               │
//        └─────────────── markDirty ◄── outputReady ◄── HTTPEngine.respond ◄──────────────────────────┘
//
// The C functions below are the only glue: each sets the engine's clock and passes the call on, with
// no reference counted. A connection's handle says by its lowest bit whether TLS is in front of it.
// `DataPlane` and `OperationsPlane` say what is answered.

import HTTP
import Primitives
import Reactor
import TLS
import Telemetry

class Plane {
    typealias Stream = UnsafeMutablePointer<HTTPStream>

    /// The listener that speaks TLS, and with what.
    struct SecurePort {
        /// In the plane's listeners.
        var listener: Int
        var context: Published<TLSContext>
        var metrics: TLSMetrics
        var shard: MetricsShard
        var limits = TLSLimits()
    }

    let reactor: Reactor
    let engine: HTTPEngine
    private let tls: TLSEngine?
    private let secureListener: Int
    /// Where the C functions find the plane: it is there before the plane is, so those above are constants.
    private let place: UnsafeMutablePointer<Unmanaged<Plane>?>
    /// `tls`, for calls that count no reference.
    private let tlsEngine: Unmanaged<TLSEngine>?

    /// Where connections come from: the reactor's side of a plane.
    struct Port {
        var listeners: [Listener]
        /// By listener.
        var connections: [ConnectionCount]
        var addresses: AddressCounts?
        var limits = ReactorLimits()
        var metrics: ReactorMetrics?
        var http: HTTPMetrics?
        var access: HTTPAccessLog?
    }

    init(_ port: Port, limits: HTTPLimits, secure: SecurePort? = nil) {
        let place = UnsafeMutablePointer<Unmanaged<Plane>?>.allocate(capacity: 1)
        place.initialize(to: nil)
        self.place = place
        engine = HTTPEngine(limits: limits, handler: Self.httpHandler(place), metrics: port.http, access: port.access)
        tls = secure.map { secure in
            TLSEngine(
                secure.context, handler: Self.tlsHandler(place), metrics: secure.metrics, shard: secure.shard,
                limits: secure.limits)
        }
        tlsEngine = tls.map { .passUnretained($0) }
        secureListener = secure?.listener ?? -1
        reactor = Reactor(
            listeners: port.listeners, handler: Self.reactorHandler(place), connections: port.connections,
            addresses: port.addresses, limits: port.limits, metrics: port.metrics)
        place.pointee = .passUnretained(self)
    }

    deinit { place.deallocate() }

    /// Serves on the calling thread until the reactor ends.
    final func run() {
        withExtendedLifetime(self) { reactor.run() }
        ended()
    }

    /// The reactor has ended; nothing comes any more.
    func ended() {}

    /// A whole request has come.
    func request(_ stream: Stream) { preconditionFailure("a plane answers requests") }
    /// More of a call's body has come, and not all of it.
    func received(_ stream: Stream) {}
    /// A request that was not yet answered is gone.
    func cancelled(_ stream: Stream) {}
    /// A request that was not yet answered is due.
    func expired(_ stream: Stream) {}
    /// Every ready socket has been read.
    func roundEnded() {}

    // MARK: Connections

    /// TLS's connections are marked; a connection lies at an even address.
    private static let mark: UInt = 1

    fileprivate func opened(
        _ channel: UnsafeMutableRawPointer, _ listener: Int, _ isOverLimit: Bool
    ) -> UnsafeMutableRawPointer {
        guard listener == secureListener, let tlsEngine else {
            return engine.open(owner: channel, isRefusing: isOverLimit, address: reactor.address(of: channel))
        }
        let now = reactor.now
        return tlsEngine._withUnsafeGuaranteedRef { tls in
            tls.now = now
            return tls.open(owner: channel, isRefusing: isOverLimit) + Int(Self.mark)
        }
    }

    /// Calls one of the two, according to who the connection belongs to.
    @inline(__always)
    fileprivate func route<Result>(
        _ connection: UnsafeMutableRawPointer, tls: (TLSEngine, UnsafeMutableRawPointer) -> Result,
        http: (HTTPEngine) -> Result
    ) -> Result {
        guard UInt(bitPattern: connection) & Self.mark != 0 else { return http(engine) }
        let now = reactor.now
        return tlsEngine.unsafelyUnwrapped._withUnsafeGuaranteedRef { engine in
            engine.now = now
            return tls(engine, connection - Int(Self.mark))
        }
    }

    /// TLS has shaken hands.
    fileprivate func opened(_ opening: TLSHandler.Opening) -> UnsafeMutableRawPointer {
        engine.open(
            owner: opening.owner, agreement: opening.applicationProtocol == .http2 ? .http2 : .http1,
            peer: opening.peer.assumingMemoryBound(to: PeerIdentity.self), isRefusing: opening.isRefusing,
            isDraining: opening.isDraining, address: reactor.address(of: opening.owner))
    }

    fileprivate func endRound() {
        // What is left to inflate waits for a round of its own, which need not wait for sockets.
        if engine.inflateRound() { reactor.wake() }
        roundEnded()
        tlsEngine?._withUnsafeGuaranteedRef { $0.roundEnded() }
    }
}

// MARK: Glue

extension Plane {
    @inline(__always)
    private static func with<Result>(_ context: UnsafeMutableRawPointer, _ body: (Plane) -> Result) -> Result {
        let place = context.assumingMemoryBound(to: Unmanaged<Plane>?.self)
        return place.pointee.unsafelyUnwrapped._withUnsafeGuaranteedRef { plane in
            plane.engine.now = plane.reactor.now
            return body(plane)
        }
    }

    fileprivate static func httpHandler(_ context: UnsafeMutableRawPointer) -> HTTPHandler {
        HTTPHandler(
            context: context,
            request: { context, stream in
                Plane.with(context) { $0.request(stream.assumingMemoryBound(to: HTTPStream.self)) }
            },
            received: { context, stream in
                Plane.with(context) { $0.received(stream.assumingMemoryBound(to: HTTPStream.self)) }
            },
            cancelled: { context, stream in
                Plane.with(context) { $0.cancelled(stream.assumingMemoryBound(to: HTTPStream.self)) }
            },
            expired: { context, stream in
                Plane.with(context) { $0.expired(stream.assumingMemoryBound(to: HTTPStream.self)) }
            },
            outputReady: { context, owner in Plane.with(context) { $0.reactor.markDirty(owner) } })
    }

    fileprivate static func tlsHandler(_ context: UnsafeMutableRawPointer) -> TLSHandler {
        TLSHandler(
            context: context,
            opened: { context, opening in
                Plane.with(context) { $0.opened(opening.load(as: TLSHandler.Opening.self)) }
            },
            received: { context, connection, bytes, count in
                Plane.with(context) { $0.engine.receive(connection, bytes, count) }
            },
            produce: { context, connection, into, room in
                Plane.with(context) { $0.engine.produce(connection, into: into, room: room) }
            },
            wantsInput: { context, connection in Plane.with(context) { $0.engine.wantsInput(connection) } },
            isBehind: { context, connection in Plane.with(context) { $0.engine.isBehind(connection) } },
            resume: { context, connection in Plane.with(context) { $0.engine.resume(connection) } },
            isFinished: { context, connection in Plane.with(context) { $0.engine.isFinished(connection) } },
            deadline: { context, connection in Plane.with(context) { $0.engine.deadline(connection) } },
            expired: { context, connection in Plane.with(context) { $0.engine.expire(connection) } },
            drain: { context, connection in Plane.with(context) { $0.engine.drain(connection) } },
            closed: { context, connection in Plane.with(context) { $0.engine.close(connection) } },
            ended: { context, owner in Plane.with(context) { $0.reactor.markDirty(owner) } })
    }

    fileprivate static func reactorHandler(_ context: UnsafeMutableRawPointer) -> ReactorHandler {
        ReactorHandler(
            context: context,
            opened: { context, channel, listener, isOverLimit in
                Plane.with(context) { $0.opened(channel, listener, isOverLimit) }
            },
            received: { context, connection, bytes, count in
                Plane.with(context) { $0.receive(connection, bytes, count) }
            },
            roundEnded: { context in Plane.with(context) { $0.endRound() } },
            produce: { context, connection, into, room in
                Plane.with(context) { $0.produce(connection, into, room) }
            },
            wantsInput: { context, connection in Plane.with(context) { $0.wantsInput(connection) } },
            isBehind: { context, connection in Plane.with(context) { $0.isBehind(connection) } },
            resume: { context, connection in Plane.with(context) { $0.resume(connection) } },
            isFinished: { context, connection in Plane.with(context) { $0.isFinished(connection) } },
            deadline: { context, connection in Plane.with(context) { $0.deadline(connection) } },
            expired: { context, connection in Plane.with(context) { $0.expire(connection) } },
            drain: { context, connection in Plane.with(context) { $0.drain(connection) } },
            closed: { context, connection in Plane.with(context) { $0.close(connection) } })
    }
}

// MARK: To TLS or to HTTP

extension Plane {
    typealias Connection = UnsafeMutableRawPointer

    fileprivate func receive(_ connection: Connection, _ bytes: UnsafeRawPointer, _ count: Int) {
        route(connection, tls: { $0.receive($1, bytes, count) }, http: { $0.receive(connection, bytes, count) })
    }

    fileprivate func produce(_ connection: Connection, _ into: UnsafeMutableRawPointer, _ room: Int) -> Int {
        route(
            connection, tls: { $0.produce($1, into: into, room: room) },
            http: { $0.produce(connection, into: into, room: room) })
    }

    fileprivate func wantsInput(_ connection: Connection) -> Bool {
        route(connection, tls: { $0.wantsInput($1) }, http: { $0.wantsInput(connection) })
    }

    fileprivate func isBehind(_ connection: Connection) -> Bool {
        route(connection, tls: { $0.isBehind($1) }, http: { $0.isBehind(connection) })
    }

    fileprivate func resume(_ connection: Connection) {
        route(connection, tls: { $0.resume($1) }, http: { $0.resume(connection) })
    }

    fileprivate func isFinished(_ connection: Connection) -> Bool {
        route(connection, tls: { $0.isFinished($1) }, http: { $0.isFinished(connection) })
    }

    fileprivate func deadline(_ connection: Connection) -> UInt64 {
        route(connection, tls: { $0.deadline($1) }, http: { $0.deadline(connection) })
    }

    fileprivate func expire(_ connection: Connection) {
        route(connection, tls: { $0.expire($1) }, http: { $0.expire(connection) })
    }

    fileprivate func drain(_ connection: Connection) {
        route(connection, tls: { $0.drain($1) }, http: { $0.drain(connection) })
    }

    fileprivate func close(_ connection: Connection) {
        route(connection, tls: { $0.close($1) }, http: { $0.close(connection) })
    }
}
