// One connection to a collector, kept open from post to post: HTTP/1.1, bounded in time and in what it reads.
//
//     post ─► connected? ─► send ─► read the status, a few fields, the body where its length is known ─► keep, or close
//
// A connection that the collector has closed meanwhile is made anew, once. What cannot be told apart from the next answer
// (a body without a length) ends the connection.

import CLinux
import Configuration
import Glibc

struct CollectorClient: ~Copyable {
    /// How a post ended.
    enum Answer: Equatable {
        /// `retryAfterNanos`: as the collector says; nil: it says nothing.
        case status(Int, body: [UInt8], retryAfterNanos: UInt64?)
        case none
    }

    private static let headBytesMax = 16 << 10
    private static let bodyBytesMax = 64 << 10

    private let endpoint: HTTPEndpoint
    private var socket: Int32 = -1

    init(_ endpoint: HTTPEndpoint) { self.endpoint = endpoint }

    deinit { if socket >= 0 { close(socket) } }

    /// Posts the message; not longer than until `deadline` of the monotonic clock, but for the name's resolution.
    mutating func post(_ message: [UInt8], until deadline: UInt64) -> Answer {
        let isKept = socket >= 0
        if !isKept, !connect(deadline) { return .none }
        if let answer = exchange(message, deadline) { return answer }
        hangUp()
        guard isKept, connect(deadline) else { return .none }
        if let answer = exchange(message, deadline) { return answer }
        hangUp()
        return .none
    }

    private mutating func hangUp() {
        if socket >= 0 { close(socket) }
        socket = -1
    }

    // MARK: Connecting

    private mutating func connect(_ deadline: UInt64) -> Bool {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list) == 0 else { return false }
        defer { freeaddrinfo(list) }
        var entry = list
        while let current = entry?.pointee {
            socket = Glibc.socket(current.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            // The kernel holds connecting to the limit of sending.
            if socket >= 0, limit(deadline), Glibc.connect(socket, current.ai_addr, current.ai_addrlen) == 0 {
                var on: Int32 = 1
                setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
                return true
            }
            hangUp()
            entry = current.ai_next
        }
        return false
    }

    /// No call on the socket takes longer than what is left; false: nothing is.
    private func limit(_ deadline: UInt64) -> Bool {
        let now = clinux_now()
        guard now < deadline else { return false }
        let micros = max((deadline - now) / 1000, 1)
        var span = timeval(tv_sec: Int(micros / 1_000_000), tv_usec: Int(micros % 1_000_000))
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(socket, SOL_SOCKET, option, &span, socklen_t(MemoryLayout<timeval>.size))
        }
        return true
    }

    // MARK: One exchange

    /// nil: there is no answer, and the connection is of no use.
    private mutating func exchange(_ message: [UInt8], _ deadline: UInt64) -> Answer? {
        let target = endpoint.target.isEmpty || endpoint.target == "/" ? "/v1/traces" : endpoint.target
        let head =
            "POST \(target) HTTP/1.1\r\nhost: \(endpoint.authority)\r\nuser-agent: serin/\(GatewayServer.version)\r\n"
            + "content-type: application/x-protobuf\r\ncontent-length: \(message.count)\r\n\r\n"
        guard send(Array(head.utf8), deadline), send(message, deadline) else { return nil }
        var bytes: [UInt8] = []
        while true {
            guard let end = Self.headEnd(bytes) else {
                guard bytes.count < Self.headBytesMax, receive(into: &bytes, deadline) else { return nil }
                continue
            }
            guard let head = CollectorAnswerHead(bytes[..<end]) else { return nil }
            // 100 Continue and its like come before the answer.
            if head.status < 200 {
                bytes.removeFirst(end)
                continue
            }
            return finish(head, Array(bytes[end...]), deadline)
        }
    }

    private mutating func finish(_ head: CollectorAnswerHead, _ start: [UInt8], _ deadline: UInt64) -> Answer {
        var body = start
        if let length = head.length, length <= Self.bodyBytesMax {
            while body.count < length, receive(into: &body, deadline) {}
            if body.count != length || !head.isKept { hangUp() }
            if body.count < length { body = [] }
        } else {
            body = []
            hangUp()
        }
        return .status(head.status, body: body, retryAfterNanos: head.retryAfterNanos)
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        let mark: [UInt8] = [13, 10, 13, 10]
        guard bytes.count >= mark.count else { return nil }
        return (mark.count...bytes.count).first { bytes[$0 - mark.count..<$0].elementsEqual(mark) }
    }

    private func send(_ bytes: [UInt8], _ deadline: UInt64) -> Bool {
        var sent = 0
        while sent < bytes.count {
            guard limit(deadline) else { return false }
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress.unsafelyUnwrapped + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private func receive(into bytes: inout [UInt8], _ deadline: UInt64) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            guard limit(deadline) else { return false }
            let count = recv(socket, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            bytes += buffer[..<count]
            return true
        }
    }
}

/// What matters of an answer's status line and fields.
struct CollectorAnswerHead {
    let status: Int
    /// nil: it is not said, or the body comes in chunks.
    private(set) var length: Int?
    /// The connection may be used again.
    private(set) var isKept = true
    private(set) var retryAfterNanos: UInt64?

    /// nil: it is not HTTP/1's.
    init?(_ bytes: ArraySlice<UInt8>) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1."), first.utf8.count >= 12,
            let status = ScalarText.integer(String(first.dropFirst(9).prefix(3))), 100...599 ~= status
        else { return nil }
        self.status = status
        var isChunked = false
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }).lowercased()
            switch line[..<colon].lowercased() {
            case "content-length": length = ScalarText.integer(value).flatMap { $0 >= 0 ? $0 : nil }
            case "transfer-encoding": isChunked = true
            case "connection": isKept = isKept && !value.contains("close")
            case "retry-after":
                retryAfterNanos = ScalarText.integer(value).flatMap {
                    0...86400 ~= $0 ? UInt64($0) * 1_000_000_000 : nil
                }
            default: break
            }
        }
        if first.hasPrefix("HTTP/1.0") { isKept = false }
        if isChunked { length = nil }
        if status == 204 { length = 0 }
    }
}
