// A connection to somebody, plain or TLS: every call of it ends at one deadline, whatever the other side does.

import CLinux
import Configuration
import Glibc
import TLS

/// Why nothing came of a connection; a sentence without a capital.
struct ClientStreamError: Error, Equatable {
    var reason: String
}

final class ClientStream {
    private let socket: Int32
    private let session: TLSClientSession?
    private let deadline: UInt64

    /// Connects to one of the target's addresses, the first that answers.
    /// - Parameters:
    ///   - client: nil: without TLS.
    ///   - deadline: of `clinux_now`.
    init(_ target: WebhookTarget, _ client: TLSClient?, deadline: UInt64) throws(ClientStreamError) {
        let socket = try Self.connect(target, deadline)
        guard let client else {
            (self.socket, self.session, self.deadline) = (socket, nil, deadline)
            return
        }
        guard let session = TLSClientSession(client, socket, name: target.host) else {
            close(socket)
            throw ClientStreamError(reason: "there is no memory for TLS")
        }
        (self.socket, self.session, self.deadline) = (socket, session, deadline)
        try shakeHands()
    }

    deinit { close(socket) }

    private static func connect(_ target: WebhookTarget, _ deadline: UInt64) throws(ClientStreamError) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(target.host, String(target.port), &hints, &list)
        guard code == 0 else {
            throw ClientStreamError(reason: "its name cannot be resolved: \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        var reason = "its name has no address"
        var entry = list
        while let current = entry {
            switch open(current.pointee, deadline) {
            case .success(let socket): return socket
            case .failure(let error): reason = error.reason
            }
            entry = current.pointee.ai_next
        }
        throw ClientStreamError(reason: reason)
    }

    private static func open(_ address: addrinfo, _ deadline: UInt64) -> Result<Int32, ClientStreamError> {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let socket = Glibc.socket(address.ai_family, kind, 0)
        guard socket >= 0 else { return .failure(ClientStreamError(reason: FileBytes.reason(errno))) }
        var code = Glibc.connect(socket, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno
        if code == EINPROGRESS {
            var size = socklen_t(MemoryLayout<Int32>.size)
            guard wait(socket, POLLOUT, deadline) else {
                close(socket)
                return .failure(ClientStreamError(reason: tooLong))
            }
            getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size)
        }
        if code == 0 { return .success(socket) }
        close(socket)
        return .failure(ClientStreamError(reason: FileBytes.reason(code)))
    }

    private static let tooLong = "it took too long"

    /// False: the deadline came first.
    private static func wait(_ socket: Int32, _ events: Int32, _ deadline: UInt64) -> Bool {
        while true {
            let now = clinux_now()
            guard now < deadline else { return false }
            var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
            let count = poll(&entry, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1))
            if count > 0 { return true }
            if count < 0, errno != EINTR { return false }
        }
    }

    private func wait(_ events: Int32) throws(ClientStreamError) {
        guard Self.wait(socket, events, deadline) else { throw ClientStreamError(reason: Self.tooLong) }
    }

    private func shakeHands() throws(ClientStreamError) {
        guard let session else { return }
        while true {
            switch session.handshake() {
            case .done: return
            case .wantsRead: try wait(POLLIN)
            case .wantsWrite: try wait(POLLOUT)
            case .failed(let reason): throw ClientStreamError(reason: reason)
            }
        }
    }

    // MARK: Bytes

    /// Sends all of it.
    func send(_ bytes: [UInt8]) throws(ClientStreamError) {
        var sent = 0
        while sent < bytes.count {
            let step = bytes.withUnsafeBytes { write(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            sent += try settle(step)
        }
    }

    /// What is there, at least a byte; empty: the other side has closed.
    func receive(atMost count: Int) throws(ClientStreamError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        while true {
            let step = bytes.withUnsafeMutableBytes { read($0) }
            if case .done(let count) = step { return Array(bytes[..<count]) }
            _ = try settle(step)
        }
    }

    /// How many bytes were moved; 0: not yet, and it has been waited for.
    private func settle(_ step: TLSClientSession.Step) throws(ClientStreamError) -> Int {
        switch step {
        case .done(let count): return count
        case .wantsRead: try wait(POLLIN)
        case .wantsWrite: try wait(POLLOUT)
        case .failed(let reason): throw ClientStreamError(reason: reason)
        }
        return 0
    }

    private func write(_ bytes: UnsafeRawBufferPointer) -> TLSClientSession.Step {
        if let session { return session.write(bytes) }
        let count = Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        return count > 0 ? .done(count) : Self.step(errno, .wantsWrite)
    }

    private func read(_ bytes: UnsafeMutableRawBufferPointer) -> TLSClientSession.Step {
        if let session { return session.read(bytes) }
        let count = recv(socket, bytes.baseAddress, bytes.count, 0)
        return count >= 0 ? .done(count) : Self.step(errno, .wantsRead)
    }

    private static func step(_ code: Int32, _ wait: TLSClientSession.Step) -> TLSClientSession.Step {
        code == EAGAIN || code == EINTR ? wait : .failed(FileBytes.reason(code))
    }
}
