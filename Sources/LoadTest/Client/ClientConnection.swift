// One connection of a class to its target.
//
//     waiting ─► connecting ─► handshaking (TLS) ─► settling (HTTP/2: the server's SETTINGS) ─► open
//        ▲            └───────────────┴────────────────────┴──────────────────────────────────────┤ closed, refused
//        └────────── 10 ms later, then 20, … 1 s ─────────────────────────────────────────────────┘
//
// Output collects in one buffer and leaves with one write a round, as the gateway does; when the socket takes no more,
// nghttp2 is asked for no more.

internal import CHTTPParser
internal import CLinux
internal import CNghttp2
internal import COpenSSL
internal import Configuration
internal import Glibc
internal import Primitives

final class ClientConnection {
    enum State { case waiting, connecting, handshaking, settling, open }

    /// What came of moving bytes.
    enum Progress {
        case moved(Int)
        case blocked
        case ended(String)
    }

    let index: Int
    unowned(unsafe) let client: ClassClient
    var state = State.waiting
    var descriptor: Int32 = -1
    var ssl: OpaquePointer?
    var session: OpaquePointer?
    /// Of HTTP/1.1, at a fixed address.
    let parser: UnsafeMutablePointer<http_parser>
    var http1 = HTTP1Answer()
    /// Slots in flight here.
    var inFlight = 0
    /// The server takes no new request: finish, then connect anew.
    var isLeaving = false
    var isDirty = false
    var isWriteWatched = false
    /// When to connect, and after how long the next time.
    var retryAt: UInt64 = 0
    var backoff: UInt64 = 10_000_000
    /// Why it was closed last.
    var failure: String?
    var out = GrowableBuffer()
    var outStart = 0

    init(index: Int, client: ClassClient) {
        (self.index, self.client) = (index, client)
        parser = .allocate(capacity: 1)
        parser.initialize(to: http_parser())
    }

    deinit {
        dispose()
        parser.deallocate()
    }

    /// What may be in flight here now.
    var room: Int {
        guard state == .open, !isLeaving else { return 0 }
        return min(client.entry.streams, streamsMax) - inFlight
    }

    /// HTTP/2: what the server allows.
    private(set) var streamsMax = Int.max

    // MARK: Connecting

    func connect() {
        state = .connecting
        failure = nil
        isLeaving = false
        let address = client.address
        descriptor = socket(Int32(address.family), Int32(SOCK_STREAM.rawValue) | O_NONBLOCK | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return fail("no socket: \(FileBytes.reason(errno))") }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        let code = address.withSockaddr { Glibc.connect(descriptor, $0, $1) }
        if code != 0, errno != EINPROGRESS { return fail(FileBytes.reason(errno)) }
        client.engine.watch(self, write: true)
    }

    private func connected() {
        var code: Int32 = 0
        var size = socklen_t(4)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        guard code == 0 else { return fail(FileBytes.reason(code)) }
        if let tls = client.tls {
            ssl = tls.connect(descriptor, host: client.target.host)
            state = .handshaking
            handshake()
        } else {
            begin()
        }
    }

    private func handshake() {
        guard let ssl else { return }
        ERR_clear_error()
        let code = SSL_do_handshake(ssl)
        if code == 1 {
            var (name, count): (UnsafePointer<UInt8>?, UInt32) = (nil, 0)
            SSL_get0_alpn_selected(ssl, &name, &count)
            if client.entry.http == 2, count != 2 {
                return fail("the server does not speak HTTP/2 over TLS (its ALPN chose something else)")
            }
            return begin()
        }
        switch SSL_get_error(ssl, code) {
        case SSL_ERROR_WANT_READ: client.engine.watch(self, write: false)
        case SSL_ERROR_WANT_WRITE: client.engine.watch(self, write: true)
        default: fail(ClientTLS.failure(ssl))
        }
    }

    /// Bytes may flow: begin to speak HTTP.
    private func begin() {
        client.engine.watch(self, write: false)
        if client.entry.http == 2 {
            state = .settling
            session = HTTP2Client.session(self)
            client.engine.markDirty(self)
        } else {
            http_parser_init(parser, HTTP_RESPONSE)
            parser.pointee.data = Unmanaged.passUnretained(self).toOpaque()
            opened()
        }
    }

    func opened() {
        guard state != .open else { return }
        state = .open
        backoff = 10_000_000
        client.openCount += 1
        client.gotRoom()
    }

    /// The server's SETTINGS came.
    func settled() {
        guard let session else { return }
        streamsMax = Int(nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
        opened()
        client.gotRoom()
    }

    // MARK: Ending

    /// Ends the connection; what was in flight has failed. It is connected anew after a while.
    func fail(_ reason: String) {
        failure = reason
        close()
        retryAt = client.engine.now + backoff
        backoff = min(backoff * 2, 1_000_000_000)
        client.connectionLost(self)
        client.engine.failed(self)
    }

    /// Ends the connection, on which nothing is in flight, and makes another at once: the server asked for it, or a request
    /// was given up that HTTP/1.1 cannot take back.
    func renew() {
        close()
        retryAt = client.engine.now
        client.engine.retry(self)
    }

    private func close() {
        if state == .open { client.openCount -= 1 }
        dispose()
    }

    private func dispose() {
        if let session { nghttp2_session_del(session) }
        if let ssl { SSL_free(ssl) }
        if descriptor >= 0 { Glibc.close(descriptor) }
        (session, ssl, descriptor) = (nil, nil, -1)
        (state, isWriteWatched, out.count, outStart) = (.waiting, false, 0, 0)
        http1 = HTTP1Answer()
    }

    // MARK: Events

    func ready(readable: Bool, writable: Bool) {
        switch state {
        case .waiting: return
        case .connecting: connected()
        case .handshaking: handshake()
        case .settling, .open:
            if readable { read() }
            if writable, descriptor >= 0 { flush() }
        }
    }

    private func read() {
        let engine = client.engine
        // Twice at most: other connections wait.
        for _ in 0..<2 where descriptor >= 0 {
            switch receive(into: engine.readBuffer, LoadEngine.readBytes) {
            case .blocked: return
            case .ended(let reason): return ended(reason)
            case .moved(let count):
                engine.readClock()
                if client.entry.http == 2 { received2(engine.readBuffer, count) } else { received1(count) }
                if count < LoadEngine.readBytes, ssl == nil { return }
            }
        }
        if let ssl, SSL_pending(ssl) > 0 { read() }
    }

    private func receive(into buffer: UnsafeMutableRawPointer, _ room: Int) -> Progress {
        if let ssl {
            ERR_clear_error()
            let count = SSL_read(ssl, buffer, Int32(room))
            if count > 0 { return .moved(Int(count)) }
            switch SSL_get_error(ssl, count) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .blocked
            case SSL_ERROR_ZERO_RETURN: return .ended("the server closed the connection")
            default: return .ended("the TLS connection broke: \(ClientTLS.failure(ssl))")
            }
        }
        let count = recv(descriptor, buffer, room, 0)
        if count > 0 { return .moved(count) }
        if count == 0 { return .ended("the server closed the connection") }
        return errno == EAGAIN || errno == EINTR ? .blocked : .ended(FileBytes.reason(errno))
    }

    private func received2(_ bytes: UnsafeMutableRawPointer, _ count: Int) {
        guard let session else { return }
        let used = nghttp2_session_mem_recv(session, bytes.assumingMemoryBound(to: UInt8.self), count)
        guard used >= 0 else {
            return fail(
                state == .settling ? Self.noHTTP2 : "HTTP/2: \(String(cString: nghttp2_strerror(Int32(used))))")
        }
        if nghttp2_session_check_request_allowed(session) == 0 { isLeaving = true }
        let isOver = nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
        if isLeaving, inFlight == 0, state == .open { return renew() }
        if isOver { return fail(state == .settling ? Self.noHTTP2 : "the server said goodbye") }
        if nghttp2_session_want_write(session) != 0 { client.engine.markDirty(self) }
    }

    private static let noHTTP2 = "the server does not speak HTTP/2 (http: 1 in the class asks for HTTP/1.1)"

    /// Nothing more comes; of HTTP/1.1 it may be the end of an answer that does not say its length.
    private func ended(_ reason: String) {
        if client.entry.http == 1, state == .open, inFlight > 0 {
            var settings = HTTP1Client.settings
            http_parser_execute(parser, &settings, nil, 0)
            if http1.mustClose, inFlight == 0 { return renew() }
        }
        fail(reason)
    }

    private func received1(_ count: Int) {
        let bytes = client.engine.readBuffer.assumingMemoryBound(to: CChar.self)
        var settings = HTTP1Client.settings
        let used = http_parser_execute(parser, &settings, bytes, count)
        guard descriptor >= 0 else { return }
        if used != count || parser.pointee.upgrade != 0 {
            return fail("the server does not answer in HTTP/1.1 (http: 2 in the class asks for HTTP/2)")
        }
        if http1.mustClose, inFlight == 0 { renew() }
    }

    // MARK: Writing

    /// Writes what there is, as far as the socket takes it.
    func flush() {
        while descriptor >= 0 {
            if outStart == out.count {
                (out.count, outStart) = (0, 0)
                if let session, !HTTP2Client.collect(session, into: &out) { return fail("HTTP/2: no memory") }
                if out.count == 0 { break }
            }
            switch send() {
            case .moved(let count): outStart += count
            case .ended(let reason): return fail(reason)
            case .blocked: return client.engine.watch(self, write: true)
            }
        }
        if isWriteWatched, descriptor >= 0 { client.engine.watch(self, write: false) }
    }

    private func send() -> Progress {
        let (bytes, count) = (out.pointer + outStart, out.count - outStart)
        if let ssl {
            ERR_clear_error()
            let sent = SSL_write(ssl, bytes, Int32(min(count, 1 << 20)))
            if sent > 0 { return .moved(Int(sent)) }
            switch SSL_get_error(ssl, sent) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .blocked
            default: return .ended("the TLS connection broke: \(ClientTLS.failure(ssl))")
            }
        }
        let sent = Glibc.send(descriptor, bytes, count, Int32(MSG_NOSIGNAL))
        if sent >= 0 { return .moved(sent) }
        return errno == EAGAIN || errno == EINTR ? .blocked : .ended(FileBytes.reason(errno))
    }
}
