// A message to somebody over HTTP/1.1, plain or TLS: posted on a thread of its own, bounded in time and size.

import CLinux
import Configuration
import Glibc
import TLS

struct Webhook: Sendable {
    /// What came of it.
    enum Answer: Sendable, Equatable {
        case status(Int)
        /// Nobody answered in time, and why.
        case failed(String)
    }

    let target: WebhookTarget
    let body: String
    var headers: [(String, String)] = []
    /// PEM of whom an https target is believed by; nil: the system's.
    var authorities: String?
    let timeoutNanos: UInt64

    func post() -> Answer {
        do throws(ClientStreamError) { return .status(try exchange(clinux_now() + timeoutNanos)) } catch {
            return .failed(error.reason)
        }
    }

    private func exchange(_ deadline: UInt64) throws(ClientStreamError) -> Int {
        let stream = try ClientStream(target, try client(), deadline: deadline)
        var head = "POST \(target.path) HTTP/1.1\r\nHost: \(target.authority)\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        head += "Content-Length: \(body.utf8.count)\r\n\r\n"
        try stream.send(Array((head + body).utf8))
        var answer: [UInt8] = []
        while answer.count < 12 {
            let bytes = try stream.receive(atMost: 1024)
            guard !bytes.isEmpty else { throw ClientStreamError(reason: "it closed the connection without an answer") }
            answer += bytes
        }
        let text = String(decoding: answer.prefix(12), as: UTF8.self)
        guard text.hasPrefix("HTTP/1."), let status = Int(text.suffix(3)) else {
            throw ClientStreamError(reason: "it does not answer in HTTP/1.1")
        }
        return status
    }

    private func client() throws(ClientStreamError) -> TLSClient? {
        guard target.isSecure else { return nil }
        do throws(TLSClientError) {
            return try TLSClient(authorities: authorities, protocols: ["http/1.1"])
        } catch { throw ClientStreamError(reason: "\(error.place) \(error.reason)") }
    }
}
