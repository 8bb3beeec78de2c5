// One thread, one epoll, its own sockets: the place where bytes come in and go out.
//
// A round:
//
//     epoll_wait ─► read every ready socket once ─► those whose turn it is ─► roundEnded: run what was collected
//         ▲                                                                        │
//         └──────────── timers ◄── one write for each socket with output ◄─────────┘
//
// Reading every ready socket before anything runs makes the requests of one round one batch, and
// writing at the end makes the answers of one round one write a connection. Sockets are level-triggered
// and read once a round, at most `readBytes`, and whoever wants too much waits (Reactor+Turns), so that no peer can hold
// the others up. A socket whose
// output the kernel refuses is not read until it has gone out: nobody can make this side buffer
// without end. Measured before: an untuned loop of this shape spends half its time in libnghttp2
// and half in the kernel's TCP.
//
// Everything here belongs to the reactor's thread, except `wake`, `heartbeat` and the flags in `orders`.

import CLinux
import Glibc
import Primitives
public import Synchronization

/// How many connections of one port all reactors hold together; shared by them.
public final class ConnectionCount: Sendable {
    public let current = Atomic<Int>(0)
    /// More than this many are answered 503.
    public let limit: Int
    public init(limit: Int) { self.limit = limit }
}

public struct ReactorLimits: Sendable {
    /// Bytes read from a socket in one round.
    public var readBytes = 64 << 10
    /// Bytes of output that are gathered before a write.
    public var writeBytes = 64 << 10
    /// Writes to a socket in one round.
    public var writesPerRound = 4
    /// A round that has taken so long leaves greedy connections for later.
    public var roundNanos: UInt64 = 1_000_000
    /// Accepts in one round.
    public var acceptsPerRound = 64
    /// Connections over the limit that still get a 503; beyond these, new sockets are closed at once.
    public var refusalsAtOnce = 64
    /// How long a shut socket is read and dropped.
    public var lingerNanos: UInt64 = 1_000_000_000
    /// More than this is not read from a shut socket.
    public var lingerBytes = 16 << 20
    /// From an accepted connection to the end of its PROXY header, where it has one.
    public var announcementNanos: UInt64 = 5_000_000_000
    /// Bytes a second that a peer must take of what waits for it; 0: any.
    public var sendRate = 1 << 10
    /// It may take less for so long.
    public var sendGraceNanos: UInt64 = 5_000_000_000
    public init() {}
}

// SAFETY: its thread owns everything but the atomics and the wake-up descriptor, which is never replaced.
public final class Reactor: @unchecked Sendable {
    // What other threads may touch.
    /// Nanoseconds of `clinux_now` at the last round.
    public let heartbeat: Atomic<UInt64>
    let orders = Atomic<UInt32>(0)
    static let orderDrain: UInt32 = 1
    static let orderStop: UInt32 = 2
    /// With a drain: somebody else accepts from the same sockets.
    static let orderLeave: UInt32 = 4
    /// Connections open on this reactor; written by its thread.
    public let openCount = Atomic<Int>(0)
    /// Connections that were closed although requests were in flight when the drain ran out of time.
    public let resetCount = Atomic<Int>(0)

    // The thread's own.
    let handler: ReactorHandler
    let limits: ReactorLimits
    /// By listener.
    let connections: [ConnectionCount]
    let addresses: AddressCounts?
    let metrics: ReactorMetrics?
    public let listeners: [Listener]
    let epoll: Int32
    let wakeup: Int32
    /// Given up for a moment when the process has no descriptor left, to accept and close politely.
    var spareDescriptor: Int32
    var channels: Slab<Channel>
    var byDescriptor: UnsafeMutablePointer<UnsafeMutablePointer<Channel>?>
    var byDescriptorCount: Int
    var open: UnsafeMutablePointer<Channel>?
    var dirty: UnsafeMutablePointer<UnsafeMutablePointer<Channel>>
    var dirtyCount = 0
    var dirtyCapacity: Int
    /// Channels that wait for their turn.
    var waiting = ChannelQueue()
    /// What times rounds and turns.
    var clock: @convention(c) () -> UInt64 = { clinux_now() }
    /// When a turn last ended, or the round began.
    var lookedAt: UInt64
    let readBuffer: UnsafeMutableRawPointer
    let writeBuffer: UnsafeMutableRawPointer
    var wheel: TimerWheel
    var isDraining = false
    var isListening = true
    /// The listeners are out of epoll until then; 0: they are in.
    var restsUntil: UInt64 = 0
    /// The next round begins at once, whether or not a socket is ready: its owner expects something from another thread
    /// any moment, and sets it anew in each round for as long as it does.
    public var isExpectant = false
    /// When the round began.
    public internal(set) var now: UInt64

    static let eventsPerRound = 256
    static let listenerTag = UInt64(1) << 63
    static let wakeTag = UInt64.max

    public init(
        listeners: [Listener], handler: ReactorHandler, connections: [ConnectionCount],
        addresses: AddressCounts? = nil, limits: ReactorLimits = .init(), metrics: ReactorMetrics? = nil
    ) {
        precondition(connections.count == listeners.count, "a count for each listener")
        self.listeners = listeners
        self.handler = handler
        self.connections = connections
        self.addresses = addresses
        self.metrics = metrics
        self.limits = limits
        now = clinux_now()
        lookedAt = now
        heartbeat = Atomic(now)
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wakeup = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        precondition(epoll >= 0 && wakeup >= 0, "the kernel gave no epoll or eventfd")
        spareDescriptor = Self.openSpare()
        channels = Slab { address in address.initialize(to: Channel(at: address)) }
        byDescriptorCount = 1024
        byDescriptor = .allocate(capacity: byDescriptorCount)
        byDescriptor.initialize(repeating: nil, count: byDescriptorCount)
        dirtyCapacity = 1024
        dirty = .allocate(capacity: dirtyCapacity)
        readBuffer = .allocate(byteCount: limits.readBytes + 64, alignment: 64)
        readBuffer.initializeMemory(as: UInt8.self, repeating: 0, count: limits.readBytes + 64)
        writeBuffer = .allocate(byteCount: limits.writeBytes, alignment: 64)
        wheel = TimerWheel(nanos: now)
        register(wakeup, token: Self.wakeTag)
        for (index, listener) in listeners.enumerated() {
            register(listener.descriptor, token: Self.listenerTag | UInt64(index))
        }
    }

    deinit {
        Glibc.close(epoll)
        Glibc.close(wakeup)
        if spareDescriptor >= 0 { Glibc.close(spareDescriptor) }
        byDescriptor.deallocate()
        dirty.deallocate()
        readBuffer.deallocate()
        writeBuffer.deallocate()
    }

    static func openSpare() -> Int32 { Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC) }

    private func register(_ descriptor: Int32, token: UInt64) {
        var event = clinux_epoll_event(EPOLLIN.rawValue, token)
        epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
    }

    // MARK: From other threads

    /// The ports it listens on, in the order of its listeners.
    public var ports: [UInt16] { listeners.map(\.port) }

    /// Interrupts the reactor's sleep.
    public func wake() {
        var one: UInt64 = 1
        write(wakeup, &one, 8)
    }

    /// Stop accepting, tell every peer, and let `run` return when the last connection has ended. `leaving`: another
    /// process accepts from the listening sockets, so what waits there is its.
    public func drain(leaving: Bool = false) {
        orders.bitwiseOr(leaving ? Self.orderDrain | Self.orderLeave : Self.orderDrain, ordering: .releasing)
        wake()
    }

    /// Close what is left and let `run` return.
    public func stop() {
        orders.bitwiseOr(Self.orderStop, ordering: .releasing)
        wake()
    }
}
