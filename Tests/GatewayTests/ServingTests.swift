import Configuration
import Glibc
import Logging
import Reactor
import Synchronization
import Testing

@testable import Gateway

/// The whole gateway in this process, so that the thread sanitizer sees its reactors beside its readers.
@Suite(.serialized) struct ServingTests {
    private static let models = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/models"
    private static let row =
        #"[129.5,2.25,4,"DE","electronics","online","DE",0,812.5,402.5,0.25,"ios",1,0,0,2,9,30,0,48.5,362.25,1554,2.5,360,0,350,348,58,7,1,2,0.125]"#

    private func start() throws -> Gateway {
        let configuration = try ConfigurationLoader.parse(
            """
            listen: {address: 127.0.0.1, port: 0}
            metrics: {address: 127.0.0.1, port: 0}
            admin: {port: 0}
            reactors: 2
            repository: \(Self.models)
            cache: {path: \(ImageFolder.path)}
            models: {fraud: {route: {stable: "1"}}}
            """)
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let gateway = try Gateway(configuration, logger: logger)
        gateway.start()
        return gateway
    }

    @Test func manyThreadsAreAnsweredWhileMetricsAreReadAndThenDrained() throws {
        let gateway = try start()
        let ports = gateway.ports
        let score = Self.row + "]}"
        let (right, wrong, left) = (Counter(), Counter(), Counter(6))
        for version in [1, 2, 1, 2, 1, 2] {
            let body = #"{"instances":["# + score
            let answer = version == 1 ? "[0.31225464]" : "[0.9365889156395806]"
            ReactorThread.start("client") {
                for _ in 0..<40 {
                    let path = "/v1/models/fraud/versions/\(version):predict"
                    let text = HTTPClient.exchange(ports.data, "POST", path, body)
                    (text.contains(answer) ? right : wrong).value.add(1, ordering: .relaxed)
                }
                left.value.subtract(1, ordering: .releasing)
            }
        }
        while left.value.load(ordering: .acquiring) > 0 {
            #expect(HTTPClient.exchange(ports.metrics, "GET", "/metrics").contains("serin_requests_total"))
        }
        #expect(right.value.load(ordering: .relaxed) == 240 && wrong.value.load(ordering: .relaxed) == 0)
        #expect(HTTPClient.exchange(ports.metrics, "GET", "/health/ready").hasPrefix("HTTP/1.1 200"))
        let metrics = HTTPClient.exchange(ports.metrics, "GET", "/metrics")
        for version in ["1", "2"] {
            #expect(
                metrics.contains(
                    #"{model="fraud",version="\#(version)",arm="pinned",tier="full",outcome="ok"} 120"#))
        }
        gateway.drain()
        for _ in 0..<2000 where gateway.isRunning { usleep(1000) }
        #expect(!gateway.isRunning)
        #expect(HTTPClient.exchange(ports.data, "GET", "/v2").isEmpty)
    }

    @Test func aRepositoryThatIsNotThereIsAStartError() throws {
        let configuration = try ConfigurationLoader.parse(
            """
            listen: {address: 127.0.0.1, port: 0}
            metrics: {address: 127.0.0.1, port: 0}
            admin: {port: 0}
            reactors: 1
            repository: \(#filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined())/nothing-here
            cache: {path: \(ImageFolder.path)}
            """)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        #expect(throws: StartError.self) { try Gateway(configuration, logger: logger) }
    }
}

private final class Counter: Sendable {
    let value: Atomic<Int>
    init(_ start: Int = 0) { value = Atomic(start) }
}

/// One request over a connection of its own; the whole answer as text, empty when there is none.
private enum HTTPClient {
    static func exchange(_ port: UInt16, _ method: String, _ path: String, _ body: String = "") -> String {
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
        guard connected == 0 else { return "" }
        let head =
            "\(method) \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        var request = head + body
        _ = request.withUTF8 { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count <= 0 { return String(decoding: answer, as: UTF8.self) }
            answer.append(contentsOf: buffer[..<count])
        }
    }
}
