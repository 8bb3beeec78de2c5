// Webhooks against servers that do not behave: each post ends, in time, with a reason.

import CLinux
import Configuration
import Glibc
import Testing

@testable import Gateway

/// A listening socket of loopback, whose connections the kernel accepts and a thread answers, or nobody does.
private final class Server: Sendable {
    let port: UInt16
    private let socket: Int32

    /// - Parameter answer: nil: silence.
    init(answer: String?) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.socket = socket
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(socket, $0, size)
                _ = getsockname(socket, $0, &size)
            }
        }
        listen(socket, 8)
        port = UInt16(bigEndian: address.sin_port)
        guard let answer else { return }
        let bytes = Array(answer.utf8)
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Reply(socket: socket, bytes: bytes))
        pthread_create(
            &thread, nil,
            { context in
                let reply = Unmanaged<Reply>.fromOpaque(context.unsafelyUnwrapped).takeRetainedValue()
                let connection = accept(reply.socket, nil, nil)
                var buffer = [UInt8](repeating: 0, count: 65536)
                _ = recv(connection, &buffer, buffer.count, 0)
                _ = send(connection, reply.bytes, reply.bytes.count, Int32(MSG_NOSIGNAL))
                close(connection)
                return nil
            }, box.toOpaque())
        pthread_detach(thread)
    }

    deinit { close(socket) }

    private final class Reply {
        let socket: Int32
        let bytes: [UInt8]
        init(socket: Int32, bytes: [UInt8]) { (self.socket, self.bytes) = (socket, bytes) }
    }
}

@Suite struct WebhookTests {
    private func post(_ url: String, millis: UInt64 = 5000) throws -> Webhook.Answer {
        let target = try #require(WebhookTarget(url))
        return Webhook(target: target, body: "{}", timeoutNanos: millis * 1_000_000).post()
    }

    @Test(arguments: [
        ("HTTP/1.1 204 No Content\r\n\r\n", Webhook.Answer.status(204)),
        ("HTTP/1.0 500 x\r\n\r\n", .status(500)),
        ("SSH-2.0-OpenSSH_9.2\r\n", .failed("it does not answer in HTTP/1.1")),
        ("HTTP/1.1 2x0 OK\r\n\r\n", .failed("it does not answer in HTTP/1.1")),
        ("", .failed("it closed the connection without an answer")),
        ("HTTP/1", .failed("it closed the connection without an answer")),
    ])
    func whatComesBackIsRead(answer: String, expected: Webhook.Answer) throws {
        let server = Server(answer: answer)
        #expect(try post("http://127.0.0.1:\(server.port)/hook") == expected)
    }

    /// Over plain HTTP and in the handshake alike.
    @Test(arguments: ["http", "https"])
    func silenceEndsInTime(scheme: String) throws {
        let server = Server(answer: nil)
        // It listens until the end.
        defer { withExtendedLifetime(server) {} }
        let start = clinux_now()
        #expect(try post("\(scheme)://127.0.0.1:\(server.port)/", millis: 300) == .failed("it took too long"))
        let took = clinux_now() - start
        #expect(took >= 300_000_000 && took < 5_000_000_000)
    }

    @Test func nobodyIsThere() throws {
        let port = Server(answer: nil).port
        #expect(try post("http://127.0.0.1:\(port)/") == .failed("Connection refused"))
        guard case .failed(let reason) = try post("http://name.invalid/") else {
            return #expect(Bool(false), "the name does not exist")
        }
        #expect(reason.contains("cannot be resolved"))
    }

    @Test func whatIsNoTLSIsNoHandshake() throws {
        let server = Server(answer: "HTTP/1.1 400 Bad Request\r\n\r\n")
        guard case .failed(let reason) = try post("https://127.0.0.1:\(server.port)/") else {
            return #expect(Bool(false), "there is no TLS")
        }
        #expect(reason.contains("TLS handshake failed"))
    }
}
