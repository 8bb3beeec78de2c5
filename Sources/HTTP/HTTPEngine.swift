// HTTP for one reactor: its connections, its streams, libnghttp2's callbacks and memory.
//
//     bytes ──► HTTPEngine.receive ──► http1 / http2 ──► handler.request(stream)
//     bytes ◄── HTTPEngine.produce ◄── http1 / http2 ◄── respond(stream, …)
//
// One thread owns an engine. Connections and streams come from slabs, libnghttp2 allocates from
// a pool of its own, so a warm engine asks the process allocator for nothing.

import CNghttp2
import Glibc
public import Primitives

public final class HTTPEngine {
    public typealias Stream = UnsafeMutablePointer<HTTPStream>
    typealias Connection = UnsafeMutablePointer<HTTPConnection>

    let limits: HTTPLimits
    let rates: HTTP2Rates
    /// nil: nothing is counted.
    let metrics: HTTPMetrics?
    /// nil: nothing is logged.
    var access: HTTPAccessLog?
    /// Of bodies that are being received.
    var receivingBytes = 0
    let handler: HTTPHandler
    /// The other header fields that are kept for the handler, who keeps the names alive; nil: none.
    public var fieldNames: Unmanaged<FieldNames>?
    /// The reactor's clock; its owner sets it before every call.
    public var now: UInt64 = 0
    var connections: Slab<HTTPConnection>
    var streams: Slab<HTTPStream>
    let pool: UnsafeMutablePointer<PoolAllocator>
    var memory: nghttp2_mem
    var callbacks: OpaquePointer?
    var options: OpaquePointer?
    var date = HTTPDate()
    /// Of the answer that is being submitted; libnghttp2 copies them.
    let packed: UnsafeMutablePointer<nghttp2_nv>
    static let packedCount = 16
    var inflation = InflateQueue()
    var deflater = Deflater()
    /// Of the connection that is being served.
    var turn = Turn()
    /// What turns are timed with.
    var clock = HTTPEngine.monotonic

    public init(
        limits: HTTPLimits, handler: HTTPHandler, metrics: HTTPMetrics? = nil, access: HTTPAccessLog? = nil
    ) {
        self.access = access
        self.limits = limits
        rates = HTTP2Rates(limits.http2)
        self.metrics = metrics
        self.handler = handler
        streams = Slab { address in address.initialize(to: HTTPStream()) }
        packed = .allocate(capacity: Self.packedCount)
        packed.initialize(repeating: nghttp2_nv(), count: Self.packedCount)
        pool = .allocate(capacity: 1)
        pool.initialize(to: PoolAllocator())
        memory = HTTP2Memory.hooks(pool)
        callbacks = HTTP2Callbacks.make()
        options = HTTP2Callbacks.makeOptions()
        connections = Slab { address in address.initialize(to: HTTPConnection()) }
    }

    deinit {
        nghttp2_session_callbacks_del(callbacks)
        nghttp2_option_del(options)
        pool.deinitialize(count: 1)
        pool.deallocate()
        packed.deallocate()
    }

    // MARK: Connections

    /// What a connection speaks, where that was agreed on before its first byte.
    public enum Agreement: Sendable { case http1, http2 }

    /// A new connection that has agreed on its protocol, with the `peer` that TLS has verified; `isDraining`: one
    /// request is answered, and it ends.
    public func open(
        owner: UnsafeMutableRawPointer, agreement: Agreement, peer: UnsafePointer<PeerIdentity>, isRefusing: Bool,
        isDraining: Bool, address: PeerAddress = PeerAddress()
    ) -> UnsafeMutableRawPointer {
        let handle = open(owner: owner, isRefusing: isRefusing, address: address)
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        connection.pointee.peer = peer
        if peer.pointee.nameCount > 0 { connection.pointee.client = Self.key(peer.pointee.first) }
        connection.pointee.isDraining = isDraining
        switch agreement {
        case .http1:
            speak(connection, .http1)
            connection.pointee.isSilent = true
        case .http2:
            speak(connection, .http2)
            http2Open(connection)
            if isDraining { http2Drain(connection) }
            outputReady(connection)
        }
        return handle
    }

    /// Tells clients apart, with a seed that only this process knows.
    private static func key(_ name: UnsafeRawBufferPointer) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(bytes: name)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// A new connection; `owner` comes back in `outputReady`.
    public func open(
        owner: UnsafeMutableRawPointer, isRefusing: Bool, address: PeerAddress = PeerAddress()
    ) -> UnsafeMutableRawPointer {
        let connection = connections.take()
        connection.pointee.reset()
        connection.pointee.engine = Unmanaged.passUnretained(self).toOpaque()
        connection.pointee.owner = owner
        connection.pointee.isRefusing = isRefusing
        connection.pointee.address = address
        connection.pointee.client = withUnsafeBytes(of: address.network) { Self.key($0) }
        connection.pointee.openedAt = now
        connection.pointee.activeAt = now
        metrics?.opened(.detecting)
        return UnsafeMutableRawPointer(connection)
    }

    /// Bytes from the peer; 0 of them: it has finished sending.
    public func receive(_ handle: UnsafeMutableRawPointer, _ bytes: UnsafeRawPointer, _ count: Int) {
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        if count == 0 {
            connection.pointee.hasEnded = true
            if let stream = connection.pointee.http1.stream {
                connection.pointee.http1.stream = nil
                end(stream)
            }
            return
        }
        if connection.pointee.isEnding { return }
        connection.pointee.activeAt = now
        turn = Turn()
        switch connection.pointee.version {
        case .http2: http2Receive(connection, bytes, count)
        case .http1:
            connection.pointee.isSilent = false
            http1Receive(connection, bytes, count)
        case .detecting: detect(connection, bytes, count)
        }
    }

    /// The next output, at most `room` bytes; 0: nothing to send now.
    public func produce(_ handle: UnsafeMutableRawPointer, into: UnsafeMutableRawPointer, room: Int) -> Int {
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        switch connection.pointee.version {
        case .http2: return http2Produce(connection, into, room)
        case .http1: return http1Produce(connection, into, room)
        case .detecting: return 0
        }
    }

    /// Whether the owner should go on reading the socket.
    public func wantsInput(_ handle: UnsafeMutableRawPointer) -> Bool {
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        switch connection.pointee.version {
        case .http1: return !connection.pointee.http1.isBehind
        case .http2: return connection.pointee.heldInput.count == 0
        case .detecting: return true
        }
    }

    /// With all output sent: is the connection at its end?
    public func isFinished(_ handle: UnsafeMutableRawPointer) -> Bool {
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        if connection.pointee.hasEnded || connection.pointee.isEnding {
            guard connection.pointee.version == .http1 else { return true }
            return connection.pointee.firstStream == nil && !isBehind(handle)
        }
        guard connection.pointee.version == .http2 else { return false }
        let session = connection.pointee.session
        return nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    }

    /// The socket is gone.
    public func close(_ handle: UnsafeMutableRawPointer) {
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        countEnding(connection)
        connection.pointee.isEnding = true
        while let stream = connection.pointee.firstStream { end(stream) }
        if let session = connection.pointee.session { nghttp2_session_del(session) }
        connection.pointee.session = nil
        connection.pointee.owner = nil
        connections.give(connection)
    }

    /// Finish what is in flight, take nothing new.
    public func drain(_ handle: UnsafeMutableRawPointer) {
        let connection = handle.assumingMemoryBound(to: HTTPConnection.self)
        connection.pointee.isDraining = true
        switch connection.pointee.version {
        case .http2: http2Drain(connection)
        case .http1: http1Drain(connection)
        // Its first request may be under way: it is answered, with `connection: close` or behind a notice.
        case .detecting: connection.pointee.noticedAt = now
        }
    }

    func outputReady(_ connection: Connection) {
        if let owner = connection.pointee.owner { handler.outputReady(handler.context, owner) }
    }

    // MARK: Streams

    /// What a body's buffer keeps for the next request.
    var bytesKept: Int { streams.inUse > HTTPLimits.warmStreams ? 4 << 10 : 16 << 10 }

    func begin(_ connection: Connection, id: Int32) -> Stream {
        let stream = streams.take()
        stream.pointee.reset()
        stream.pointee.id = id
        stream.pointee.connectionOrNone = connection
        stream.pointee.startedAt = now
        let last = connection.pointee.lastStream
        stream.pointee.previous = last
        if let last { last.pointee.next = stream } else { connection.pointee.firstStream = stream }
        connection.pointee.lastStream = stream
        connection.pointee.streamCount += 1
        watch(connection, until: now + (id == 0 ? firstBodyNanos : firstHeadNanos))
        return stream
    }

    /// The request is whole: hand it over, or answer its fault.
    func complete(_ stream: Stream) {
        guard stream.pointee.phase == .receiving else { return }
        settle(stream, .ready)
        if stream.pointee.connection.pointee.isRefusing {
            if stream.pointee.id != 0 { http2GoAway(stream.pointee.connection) }
            return respond(stream, fault: HTTPFault(503, "too many connections; try again later", isOfALimit: true))
        }
        if let fault = stream.pointee.fault.answer(limits) {
            if let limit = stream.pointee.fault.limit { count(limit) }
            return respond(stream, fault: fault)
        }
        if stream.pointee.coding != .identity { return queueInflation(stream) }
        handler.request(handler.context, stream)
    }

    /// The stream stops receiving.
    func settle(_ stream: Stream, _ phase: HTTPStream.Phase) {
        if stream.pointee.phase == .receiving {
            releaseBody(stream)
            if stream.pointee.connection.pointee.bodyStream == stream { passBodyWindow(stream) }
        }
        if stream.pointee.phase == .inflating { inflation.remove(stream) }
        stream.pointee.phase = phase
    }

    /// The stream is over, for whatever reason.
    func end(_ stream: Stream) {
        let connection = stream.pointee.connection
        if stream.pointee.phase != .answered, access != nil { log(stream, 499) }
        if stream.pointee.phase == .ready { handler.cancelled(handler.context, stream) }
        settle(stream, .answered)
        let (next, previous) = (stream.pointee.next, stream.pointee.previous)
        if let previous { previous.pointee.next = next } else { connection.pointee.firstStream = next }
        if let next { next.pointee.previous = previous } else { connection.pointee.lastStream = previous }
        connection.pointee.streamCount -= 1
        connection.pointee.queuedBytes -= stream.pointee.queuedBytes
        if connection.pointee.headerStream == stream { connection.pointee.headerStream = nil }
        stream.pointee.body.reset(keeping: bytesKept)
        stream.pointee.responseBody.reset(keeping: bytesKept)
        streams.give(stream)
    }
}
