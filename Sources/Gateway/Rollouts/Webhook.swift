// A message to somebody over HTTP/1.1: posted on a thread of its own, bounded in time and size.

import CLinux
import Glibc

struct Webhook: Sendable {
    let url: String
    let body: String
    var headers: [(String, String)] = []
    let timeoutNanos: UInt64

    /// TLS is a relay's business.
    static func reaches(_ url: String) -> Bool { url.hasPrefix("http://") }

    /// The answer's status; nil: none came in time.
    func post() -> Int? {
        let rest = url.dropFirst("http://".count)
        let authority = String(rest.prefix { $0 != "/" && $0 != "?" })
        let path = rest.dropFirst(authority.count)
        guard Self.reaches(url), let socket = connect(authority) else { return nil }
        defer { close(socket) }
        let target = path.isEmpty ? "/" : path.hasPrefix("?") ? "/\(path)" : String(path)
        var head = "POST \(target) HTTP/1.1\r\nHost: \(authority)\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        head += "Content-Length: \(body.utf8.count)\r\n\r\n"
        let deadline = clinux_now() + timeoutNanos
        guard send(socket, Array((head + body).utf8), deadline) else { return nil }
        return readStatus(socket, deadline)
    }

    private func connect(_ authority: String) -> Int32? {
        var (host, port) = (authority, "80")
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = String(authority[authority.index(after: authority.startIndex)..<end])
            let rest = authority[authority.index(after: end)...]
            if rest.hasPrefix(":") { port = String(rest.dropFirst()) }
        } else if let colon = authority.firstIndex(of: ":") {
            (host, port) = (String(authority[..<colon]), String(authority[authority.index(after: colon)...]))
        }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, port, &hints, &list) == 0 else { return nil }
        defer { freeaddrinfo(list) }
        var entry = list
        while let current = entry {
            let socket = Glibc.socket(
                current.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            if socket >= 0 {
                limit(socket, timeoutNanos)
                if Glibc.connect(socket, current.pointee.ai_addr, current.pointee.ai_addrlen) == 0 { return socket }
                close(socket)
            }
            entry = current.pointee.ai_next
        }
        return nil
    }

    /// No call on the socket takes longer; the kernel applies the send limit to connecting as well.
    private func limit(_ socket: Int32, _ nanos: UInt64) {
        let micros = max(nanos / 1000, 1)
        var span = timeval(tv_sec: Int(micros / 1_000_000), tv_usec: Int(micros % 1_000_000))
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(socket, SOL_SOCKET, option, &span, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    private func send(_ socket: Int32, _ bytes: [UInt8], _ deadline: UInt64) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard clinux_now() < deadline else { return false }
            let count = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func readStatus(_ socket: Int32, _ deadline: UInt64) -> Int? {
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while answer.count < 12 {
            let now = clinux_now()
            guard now < deadline else { return nil }
            limit(socket, deadline - now)
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            answer += buffer[..<count]
        }
        let text = String(decoding: answer.prefix(12), as: UTF8.self)
        return text.hasPrefix("HTTP/1.") ? Int(text.suffix(3)) : nil
    }
}
