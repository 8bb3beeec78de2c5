// Spans to a collector: OTLP over HTTP, by a thread of its own.
//
//     reactor 0 ──► ring ─┐
//     reactor 1 ──► ring ─┴─► thread ──► a batch in protobuf ──► POST ──► 200: exported (or in part rejected)
//                                            ▲                     ├────► 429, 502, 503, 504, none: again, five times
//                                            └── later ◄───────────┘      anything else: rejected
//
// Whatever the collector does, a reactor only ever writes a record into its ring. While a batch is tried again, the rings
// fill, and what does not fit is dropped; a batch that cannot be brought is lost. Every span is counted once:
// serin_trace_spans_total, by outcome.

import CLinux
import Configuration
import GRPC
import Glibc
import Logging
import Monitoring
import Reactor
import Synchronization
import Telemetry

// SAFETY: the atomics are shared; everything else is the thread's from `start` on.
final class TraceExporter: @unchecked Sendable {
    private static let pauseMicros: UInt32 = 20_000
    /// How often a batch is posted, and how long is waited after the first time it could not be; then twice as long.
    static let attemptsMax = 5
    private static let firstBackoffNanos: UInt64 = 500_000_000
    private static let backoffNanosMax: UInt64 = 30_000_000_000
    /// For the last post of a process that ends.
    private static let lastNanos: UInt64 = 1_000_000_000

    private let configuration: TraceConfiguration
    let rings: [RecordRing]
    private let full: CounterID
    private let exported = Atomic<Int>(0)
    private let rejected = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)
    private let wantsEnd = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)
    private let logger: Logger
    private var encoder: TraceEncoder
    private var client: CollectorClient
    private var batchAt: UInt64 = 0
    private var complainedAt: UInt64 = 0

    /// nil: it is off.
    init?(
        _ configuration: TraceConfiguration, reactors: Int, _ registry: MetricsRegistry, _ logger: Logger
    ) throws(MetricsError) {
        guard let endpoint = configuration.endpoint else { return nil }
        self.configuration = configuration
        self.logger = logger
        var capacity = 16
        while capacity < configuration.buffer { capacity <<= 1 }
        rings = (0..<reactors).map { _ in RecordRing(capacity: capacity, recordBytes: TraceRecord.recordBytes) }
        let host = Self.hostName()
        encoder = TraceEncoder(
            service: configuration.service, version: GatewayServer.version,
            resource: [
                ("service.instance.id", "\(host):\(getpid())"), ("host.name", host),
                ("telemetry.sdk.language", "swift"),
                ("telemetry.sdk.name", "serin"), ("telemetry.sdk.version", GatewayServer.version),
            ])
        client = CollectorClient(endpoint)
        full = try registry.counter(Self.name, Self.help, labels: [("outcome", "full")])
        try declare("exported", registry) { $0.exported.load(ordering: .relaxed) }
        try declare("rejected", registry) { $0.rejected.load(ordering: .relaxed) }
        try declare("failed", registry) { $0.failed.load(ordering: .relaxed) }
    }

    private static let name = "serin_trace_spans_total"
    private static let help =
        "Spans by what became of them: exported, rejected by the collector, failed to be brought, or lost to a full ring."

    private func declare(
        _ outcome: String, _ registry: MetricsRegistry, _ read: @escaping @Sendable (TraceExporter) -> Int
    ) throws(MetricsError) {
        try registry.counter(Self.name, Self.help, labels: [("outcome", outcome)]) { [self] in Double(read(self)) }
    }

    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// What the plane of reactor `index` traces.
    func plane(_ index: Int) -> PlaneTraces {
        PlaneTraces(
            ring: .passUnretained(rings[index]), dropped: full,
            threshold: PlaneTraces.threshold(ratio: configuration.ratio),
            slowNanos: configuration.slowNanos == 0 ? .max : configuration.slowNanos,
            keepsFailures: configuration.keepsFailures)
    }

    // MARK: From the main thread

    func start() { ReactorThread.start("traces") { self.run() } }

    /// Brings what is left, if the collector takes it at once; waits some seconds at most.
    func end() {
        wantsEnd.store(true, ordering: .releasing)
        for _ in 0..<300 where !hasEnded.load(ordering: .acquiring) { usleep(10_000) }
    }

    private var isEnding: Bool { wantsEnd.load(ordering: .acquiring) }

    // MARK: The thread

    private func run() {
        while true {
            let isLast = isEnding
            collect()
            let isDue = encoder.spanCount > 0 && clinux_now() - batchAt >= configuration.intervalNanos
            if encoder.spanCount >= configuration.batch || isDue || isLast && encoder.spanCount > 0 {
                export()
            } else if isLast {
                break
            } else {
                usleep(Self.pauseMicros)
            }
        }
        hasEnded.store(true, ordering: .releasing)
    }

    /// Takes records until the batch is full.
    private func collect() {
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        let offset = Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec) - Int64(clinux_now())
        for ring in rings {
            while encoder.spanCount < configuration.batch, let record = ring.first() {
                if encoder.spanCount == 0 { batchAt = clinux_now() }
                encoder.append(record, clockOffset: offset)
                ring.release()
            }
        }
    }

    private func export() {
        let count = encoder.spanCount
        let message = encoder.take()
        var backoff = Self.firstBackoffNanos
        for attempt in 1...Self.attemptsMax {
            let isLast = isEnding
            var least: UInt64 = 0
            let nanos = isLast ? min(Self.lastNanos, configuration.timeoutNanos) : configuration.timeoutNanos
            switch client.post(message, until: clinux_now() + nanos) {
            case .status(let status, let body, _) where 200...299 ~= status:
                return settle(count, rejected: Self.rejectedSpans(body))
            case .status(let status, _, _) where ![429, 502, 503, 504].contains(status):
                complain("the collector answers \(status)")
                rejected.add(count, ordering: .relaxed)
                return
            case .status(_, _, let asked?): least = min(asked, Self.backoffNanosMax)
            case .status, .none: break
            }
            if isLast || attempt == Self.attemptsMax { break }
            // Not all gateways at once: between half and all of it, but not before the collector wants to be asked.
            pause(max(.random(in: backoff / 2...backoff), least))
            backoff = min(2 * backoff, Self.backoffNanosMax)
        }
        complain("the collector cannot be reached, or takes nothing now")
        failed.add(count, ordering: .relaxed)
    }

    private func settle(_ count: Int, rejected part: Int) {
        let refused = min(max(part, 0), count)
        if refused > 0 { complain("the collector has rejected \(refused) of \(count) spans") }
        rejected.add(refused, ordering: .relaxed)
        exported.add(count - refused, ordering: .relaxed)
    }

    /// ExportTraceServiceResponse.partial_success.rejected_spans
    static func rejectedSpans(_ body: [UInt8]) -> Int {
        body.withUnsafeBytes { bytes in
            var fields = ProtobufReader(bytes)
            while fields.next() {
                guard fields.number == 1, fields.type == .bytes else { continue }
                var partial = ProtobufReader(fields.bytes)
                while partial.next() {
                    if partial.number == 1, partial.type == .varint { return Int(truncatingIfNeeded: partial.scalar) }
                }
            }
            return 0
        }
    }

    /// Sleeps, but for the process' end.
    private func pause(_ nanos: UInt64) {
        let end = clinux_now() + nanos
        while !isEnding, clinux_now() < end { usleep(Self.pauseMicros) }
    }

    /// Once a minute at most.
    private func complain(_ what: String) {
        let now = clinux_now()
        if complainedAt != 0, now - complainedAt < 60_000_000_000 { return }
        complainedAt = now
        logger.error("traces: \(what); spans are lost until it does, and counted")
    }
}
