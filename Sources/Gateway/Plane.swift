// A reactor, its HTTP engine and what answers its requests, tied together.
//
//     Reactor ──ReactorHandler──► Plane ──► HTTPEngine ──HTTPHandler──► Plane.request(stream)
//        ▲                                                                    │
//        └────────────── markDirty ◄── outputReady ◄── HTTPEngine.respond ◄───┘
//
// The C functions below are the only glue: each sets the engine's clock and passes the call on, with
// no reference counted. `DataPlane` and `OperationsPlane` say what is answered.

import HTTP
import Reactor

class Plane {
    typealias Stream = UnsafeMutablePointer<HTTPStream>

    let reactor: Reactor
    let engine: HTTPEngine
    /// Where the C functions find the plane: it is there before the plane is, so the two above are constants.
    private let place: UnsafeMutablePointer<Unmanaged<Plane>?>

    init(listeners: [Listener], connections: ConnectionCount, limits: HTTPLimits) {
        place = .allocate(capacity: 1)
        place.initialize(to: nil)
        engine = HTTPEngine(limits: limits, handler: Self.httpHandler(place))
        reactor = Reactor(listeners: listeners, handler: Self.reactorHandler(place), connections: connections)
        place.pointee = .passUnretained(self)
    }

    deinit { place.deallocate() }

    /// Serves on the calling thread until the reactor ends.
    final func run() {
        withExtendedLifetime(self) { reactor.run() }
    }

    /// A whole request has come.
    func request(_ stream: Stream) { preconditionFailure("a plane answers requests") }
    /// A request that was not yet answered is gone.
    func cancelled(_ stream: Stream) {}
    /// Every ready socket has been read.
    func roundEnded() {}

    @inline(__always)
    private static func with<Result>(_ context: UnsafeMutableRawPointer, _ body: (Plane) -> Result) -> Result {
        let place = context.assumingMemoryBound(to: Unmanaged<Plane>?.self)
        return place.pointee.unsafelyUnwrapped._withUnsafeGuaranteedRef { plane in
            plane.engine.now = plane.reactor.now
            return body(plane)
        }
    }

    private static func httpHandler(_ context: UnsafeMutableRawPointer) -> HTTPHandler {
        HTTPHandler(
            context: context,
            request: { context, stream in
                Plane.with(context) { $0.request(stream.assumingMemoryBound(to: HTTPStream.self)) }
            },
            cancelled: { context, stream in
                Plane.with(context) { $0.cancelled(stream.assumingMemoryBound(to: HTTPStream.self)) }
            },
            outputReady: { context, owner in Plane.with(context) { $0.reactor.markDirty(owner) } })
    }

    private static func reactorHandler(_ context: UnsafeMutableRawPointer) -> ReactorHandler {
        ReactorHandler(
            context: context,
            opened: { context, channel, isOverLimit in
                Plane.with(context) { $0.engine.open(owner: channel, isRefusing: isOverLimit) }
            },
            received: { context, connection, bytes, count in
                Plane.with(context) { $0.engine.receive(connection, bytes, count) }
            },
            roundEnded: { context in Plane.with(context) { $0.roundEnded() } },
            produce: { context, connection, into, room in
                Plane.with(context) { $0.engine.produce(connection, into: into, room: room) }
            },
            wantsInput: { context, connection in Plane.with(context) { $0.engine.wantsInput(connection) } },
            isFinished: { context, connection in Plane.with(context) { $0.engine.isFinished(connection) } },
            deadline: { context, connection in Plane.with(context) { $0.engine.deadline(connection) } },
            expired: { context, connection in Plane.with(context) { $0.engine.expire(connection) } },
            drain: { context, connection in Plane.with(context) { $0.engine.drain(connection) } },
            closed: { context, connection in Plane.with(context) { $0.engine.close(connection) } })
    }
}
