// What the metrics port answers: /metrics, /health/live and /health/ready, without authentication.
//
// It runs on a reactor of its own, so that rendering metrics never holds a request up.

import HTTP
import Primitives
import Reactor
import Telemetry

final class OperationsPlane: Plane {
    private let registry: MetricsRegistry
    private let health: Health
    private let names = FieldNames()
    /// The number of `accept` among the fields.
    private var accept: Int?

    init(registry: MetricsRegistry, health: Health, port: Port, limits: HTTPLimits) {
        self.registry = registry
        self.health = health
        super.init(port, limits: limits)
        accept = names.number(of: "accept")
        engine.fieldNames = .passUnretained(names)
    }

    override func request(_ stream: Stream) {
        let target = stream.pointee.target
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        switch String(decoding: path, as: UTF8.self) {
        case "/metrics" where isRead(stream):
            let format = ExpositionFormat(accept: accept.flatMap { stream.pointee.fields.value($0) })
            registry.render(format).withUnsafeBytes { stream.pointee.responseBody.append($0) }
            engine.respond(stream, status: 200, contentType: format.contentType)
        case "/health/live" where isRead(stream): answer(stream, health.isLive)
        case "/health/ready" where isRead(stream): answer(stream, health.isReady)
        case "/metrics", "/health/live", "/health/ready":
            engine.respond(stream, fault: HTTPFault(405, "method not allowed here: use GET"))
        default:
            engine.respond(
                stream, fault: HTTPFault(404, "only /metrics, /health/live and /health/ready are served here"))
        }
    }

    private func isRead(_ stream: Stream) -> Bool {
        stream.pointee.method == .get || stream.pointee.method == .head
    }

    private func answer(_ stream: Stream, _ isFine: Bool) {
        stream.pointee.responseBody.append(isFine ? "ok\n" : "not ok\n")
        engine.respond(stream, status: isFine ? 200 : 503, contentType: "text/plain; charset=utf-8")
    }
}
