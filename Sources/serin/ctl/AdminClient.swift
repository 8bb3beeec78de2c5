// One call of the admin plane over HTTP/1.1: a connection, a request, an answer whose length is known.
//
// The socket never blocks: each step waits for it until the call's time is over, so a silent admin plane is an error, and
// not a command that hangs.

internal import Admin
internal import Foundation
internal import Glibc

struct AdminClient {
    /// `http://127.0.0.1:9901`.
    let url: String
    let token: String?
    /// Of a whole call; loading a big model takes its time.
    var timeoutSeconds = 60

    static let connectSeconds = 10

    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: String
    }

    /// Fails with exit code 3 where nobody answers, 1 where the answer is a problem.
    func call(
        _ method: String, _ path: String, query: [(String, String)] = [], headers: [String: String] = [:],
        body: String? = nil
    ) throws(CommandFailure) -> Answer {
        var target = "/admin/v1" + path
        if !query.isEmpty { target += "?" + query.map { "\($0)=\(Self.escaped($1))" }.joined(separator: "&") }
        let answer = try exchange(method, target, headers, body)
        guard answer.status >= 400 else { return answer }
        let problem = try? JSONDecoder().decode(ProblemDocument.self, from: Data(answer.body.utf8))
        let others = (problem?.problems ?? []).dropFirst()
        let detail = ([problem?.detail ?? "the gateway answered \(answer.status)"] + others).joined(separator: "; ")
        throw CommandFailure(code: .checkFailed, message: detail)
    }

    func read<Document: Decodable>(_ type: Document.Type, _ path: String) throws(CommandFailure) -> Document {
        try Self.decode(type, try call("GET", path).body)
    }

    static func decode<Document: Decodable>(_ type: Document.Type, _ text: String) throws(CommandFailure) -> Document {
        do { return try JSONDecoder().decode(type, from: Data(text.utf8)) } catch {
            throw CommandFailure(
                code: .checkFailed, message: "the gateway's answer is not what this serin knows: another version?")
        }
    }

    static func escaped(_ text: String) -> String {
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-._~")
        return text.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
    }

    // MARK: Wire

    private var authority: String {
        let rest = url.hasPrefix("http://") ? String(url.dropFirst(7)) : url
        return String(rest.prefix { $0 != "/" })
    }

    private func exchange(
        _ method: String, _ target: String, _ headers: [String: String], _ body: String?
    ) throws(CommandFailure) -> Answer {
        let end = ContinuousClock.now + .seconds(timeoutSeconds)
        let socket = try connect(until: min(end, ContinuousClock.now + .seconds(Self.connectSeconds)))
        defer { close(socket) }
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(authority)\r\nConnection: close\r\n"
        if let token { head += "Authorization: Bearer \(token)\r\n" }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        try write(Array((head + "\r\n" + (body ?? "")).utf8), to: socket, until: end)
        return try parse(try read(socket, until: end))
    }

    private func write(_ bytes: [UInt8], to socket: Int32, until end: ContinuousClock.Instant) throws(CommandFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else {
                guard errno == EAGAIN || errno == EINTR else { throw unreachable("the connection was closed") }
                guard isReady(socket, POLLOUT, until: end) else { throw silent() }
            }
        }
    }

    private func read(_ socket: Int32, until end: ContinuousClock.Instant) throws(CommandFailure) -> [UInt8] {
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = recv(socket, &buffer, buffer.count, 0), count != 0 {
            if count > 0 {
                answer += buffer[..<count]
            } else {
                let code = errno
                guard code == EAGAIN || code == EINTR else { throw unreachable(String(cString: strerror(code))) }
            }
            guard isReady(socket, POLLIN, until: end) else { throw silent() }
        }
        return answer
    }

    /// Waits for the socket; false: the time is over.
    private func isReady(_ socket: Int32, _ events: Int32, until end: ContinuousClock.Instant) -> Bool {
        while true {
            let left = (end - ContinuousClock.now).components
            let millis = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
            guard millis > 0 else { return false }
            var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
            let count = poll(&entry, 1, Int32(min(millis, 60_000)))
            if count > 0 || (count < 0 && errno != EINTR) { return true }
        }
    }

    private func parse(_ bytes: [UInt8]) throws(CommandFailure) -> Answer {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n"), text.hasPrefix("HTTP/1.1 "),
            let status = Int(text.dropFirst(9).prefix(3))
        else { throw unreachable("it does not answer as an admin plane does") }
        var headers: [String: String] = [:]
        for line in text[..<end.lowerBound].components(separatedBy: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
        }
        return Answer(status: status, headers: headers, body: String(text[end.upperBound...]))
    }

    private func connect(until end: ContinuousClock.Instant) throws(CommandFailure) -> Int32 {
        let parts = authority.hasPrefix("[") ? nil : authority.split(separator: ":")
        let host = parts.map { String($0.first ?? "") } ?? String(authority.dropFirst().prefix { $0 != "]" })
        let port = authority.split(separator: ":").last.map(String.init) ?? ""
        guard !host.isEmpty, UInt16(port) != nil, !url.hasPrefix("https://") else {
            throw CommandFailure(code: .usage, message: "--admin: expected a URL such as http://127.0.0.1:9901")
        }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, port, &hints, &list) == 0 else { throw unreachable("its name is unknown") }
        defer { freeaddrinfo(list) }
        var entry = list
        var code: Int32 = 0
        while let current = entry {
            let kind = current.pointee.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let socket = Glibc.socket(current.pointee.ai_family, kind, 0)
            if socket >= 0 {
                code = join(socket, current.pointee, until: end)
                if code == 0 { return socket }
                close(socket)
            } else {
                code = errno
            }
            entry = current.pointee.ai_next
        }
        throw unreachable(String(cString: strerror(code)))
    }

    /// Connects the socket; 0 or an errno.
    private func join(_ socket: Int32, _ address: addrinfo, until end: ContinuousClock.Instant) -> Int32 {
        if Glibc.connect(socket, address.ai_addr, address.ai_addrlen) == 0 { return 0 }
        guard errno == EINPROGRESS else { return errno }
        guard isReady(socket, POLLOUT, until: end) else { return ETIMEDOUT }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno
    }

    private func silent() -> CommandFailure {
        CommandFailure(
            code: .notStarted, message: "the admin plane at \(url) has not answered within \(timeoutSeconds) s")
    }

    private func unreachable(_ reason: String) -> CommandFailure {
        CommandFailure(
            code: .notStarted,
            message: "no admin plane at \(url): \(reason); is the gateway running, and --admin right?")
    }
}
