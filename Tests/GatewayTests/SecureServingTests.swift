import COpenSSL
import Configuration
import Foundation
import Logging
import Reactor
import Synchronization
import Testing

@testable import Gateway

/// TLS and reloads in this process, so that the thread sanitizer sees the reactors beside who publishes certificates.
@Suite(.serialized) struct SecureServingTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static let certificates: String = {
        let folder = FileManager.default.temporaryDirectory.appending(path: "serin-gateway-\(getpid())")
        precondition(run(root.appending(path: ".ci/certs").path, folder.path) == 0, "openssl made no certificates")
        return folder.path
    }()

    /// The exit code of a command with one argument.
    private static func run(_ command: String, _ argument: String) -> Int32 {
        var (process, status) = (pid_t(), Int32(0))
        var words = [strdup(command), strdup(argument), nil]
        var environment = [strdup("PATH=/usr/local/bin:/usr/bin:/bin"), nil]
        defer { for word in words + environment { free(word) } }
        guard posix_spawn(&process, command, nil, nil, &words, &environment) == 0 else { return -1 }
        return waitpid(process, &status, 0) == process ? status : -1
    }

    private static func configuration(_ server: String, clients: String) throws(ConfigurationError)
        -> GatewayConfiguration
    {
        let place = certificates
        return try ConfigurationLoader.parse(
            """
            listen:
              address: 127.0.0.1
              port: 0
              tls:
                address: 127.0.0.1
                port: 0
                certificates: [{certificate: \(place)/\(server).pem, key: \(place)/\(server).key}]
                client_authentication: optional
                authorities: \(place)/ca.pem
            metrics: {address: 127.0.0.1, port: 0}
            admin: {port: 0}
            reactors: 2
            repository: \(root.path)/models
            cache: {path: \(ImageFolder.path)}
            models: {fraud: {route: {stable: "1"}, clients: [\(clients)]}}
            """)
    }

    @Test func connectionsAndRequestsGoOnWhileCertificatesAndListsChange() throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let gateway = try Gateway(Self.configuration("server", clients: ""), logger: logger)
        gateway.start()
        let port = try #require(gateway.securePort)
        let (answered, failed, left) = (Counter(), Counter(), Counter(4))
        for index in 0..<4 {
            let name = index % 2 == 0 ? "client" : nil
            let folder = Self.certificates
            ReactorThread.start("client") {
                var client = SecureClient(folder, name)
                for _ in 0..<30 {
                    let status = client.get(port, "/v2/models/fraud")
                    let isFine = status == 200 || (name == nil && status == 401)
                    (isFine ? answered : failed).value.add(1, ordering: .relaxed)
                }
                left.value.subtract(1, ordering: .releasing)
            }
        }
        var turn = 0
        while left.value.load(ordering: .acquiring) > 0 {
            let (server, clients) = turn % 2 == 0 ? ("rsa", "spiffe://serin.test/payments") : ("server", "")
            gateway.takeOn { () throws(ConfigurationError) in try Self.configuration(server, clients: clients) }
            turn += 1
            usleep(5000)
        }
        #expect(answered.value.load(ordering: .relaxed) == 120 && failed.value.load(ordering: .relaxed) == 0)
        #expect(turn > 1)
        gateway.takeOn { () throws(ConfigurationError) in try Self.configuration("none", clients: "") }
        var last = SecureClient(Self.certificates, nil)
        #expect(last.get(port, "/v2") == 200)
        gateway.drain()
        for _ in 0..<4000 where gateway.isRunning { usleep(1000) }
        #expect(!gateway.isRunning)
    }
}

private final class Counter: Sendable {
    let value: Atomic<Int>
    init(_ start: Int = 0) { value = Atomic(start) }
}

/// A blocking HTTP/1.1 client over TLS: one connection a request, resuming the session where it can.
private struct SecureClient: ~Copyable {
    private let context: OpaquePointer
    private var session: OpaquePointer?

    init(_ folder: String, _ certificate: String?) {
        context = SSL_CTX_new(TLS_client_method())!
        if let certificate {
            SSL_CTX_use_certificate_chain_file(context, "\(folder)/\(certificate).pem")
            SSL_CTX_use_PrivateKey_file(context, "\(folder)/\(certificate).key", SSL_FILETYPE_PEM)
        }
    }

    deinit {
        SSL_SESSION_free(session)
        SSL_CTX_free(context)
    }

    /// The status; 0: no answer.
    mutating func get(_ port: UInt16, _ path: String) -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0, let ssl = SSL_new(context) else { return 0 }
        defer { SSL_free(ssl) }
        SSL_set_fd(ssl, descriptor)
        if session != nil { SSL_set_session(ssl, session) }
        guard SSL_connect(ssl) == 1 else { return 0 }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8)
        SSL_write(ssl, request, Int32(request.count))
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = SSL_read(ssl, &buffer, 4096)
            if count <= 0 { break }
            answer.append(contentsOf: buffer[..<Int(count)])
        }
        SSL_SESSION_free(session)
        session = SSL_get1_session(ssl)
        SSL_shutdown(ssl)
        return Int(String(decoding: answer.dropFirst(9).prefix(3), as: UTF8.self)) ?? 0
    }
}
