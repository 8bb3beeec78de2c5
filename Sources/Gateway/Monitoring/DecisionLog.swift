// The decision log: every row of an answered request as a line of NDJSON, written by a thread of its own.
//
//     reactor 0 ──► ring ─┐
//     reactor 1 ──► ring ─┴─► thread ──► lines ──► gzip ──► segments         a full ring drops and counts
//
// A reactor copies a row's values and scores into its ring, and that is all it ever does for the log. A disk that stalls
// holds up the thread, the rings fill, and what does not fit is dropped; one that is full loses what the thread would
// have written, until it takes bytes again. Both are counted: serin_decision_log_dropped_total, by reason.

import CLinux
import Configuration
import Glibc
import Logging
import Monitoring
import Primitives
import Reactor
import Registry
import Synchronization
import Telemetry

// SAFETY: the atomics and what mutexes guard are shared; everything else is the thread's from `start` on.
final class DecisionLog: @unchecked Sendable {
    private static let pauseMicros: UInt32 = 10_000
    /// Of lines that become one member.
    private static let memberBytes = 256 << 10
    private static let memberNanos: UInt64 = 1_000_000_000

    let rings: [ByteRing]
    let dropped: CounterID
    private let written = Atomic<Int>(0)
    private let unwritten = Atomic<Int>(0)
    /// What a version's records mean; nil: nobody knows any more.
    private let schema = Mutex<(@Sendable (UInt64) -> DecisionSchema?)?>(nil)
    private let wantsEnd = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)
    private let logger: Logger
    private var lines: DecisionLines
    private var segments: SegmentWriter
    private var text = GrowableBuffer(capacity: 320 << 10)
    private var pending = 0
    private var memberAt: UInt64 = 0
    private var complainedAt: UInt64 = 0

    /// nil: it is off. Throws where the folder or the key cannot be used.
    init?(
        _ configuration: DecisionConfiguration, reactors: Int, _ registry: MetricsRegistry, _ logger: Logger
    ) throws {
        guard let path = configuration.path else { return nil }
        self.logger = logger
        lines = DecisionLines(key: try Self.key(configuration.key))
        segments = try SegmentWriter(
            folder: path, segmentBytes: configuration.segmentBytes, keepBytes: configuration.keepBytes)
        var capacity = 64 << 10
        while capacity < configuration.bufferBytes { capacity <<= 1 }
        rings = (0..<reactors).map { _ in ByteRing(capacity: capacity) }
        let (name, help) = ("serin_decision_log_dropped_total", "Rows that the decision log has lost, by reason.")
        dropped = try registry.counter(name, help, labels: [("reason", "full")])
        try declare(registry, name, help)
    }

    private func declare(_ registry: MetricsRegistry, _ name: String, _ help: String) throws(MetricsError) {
        try registry.counter(name, help, labels: [("reason", "write")]) { [self] in
            Double(unwritten.load(ordering: .relaxed))
        }
        try registry.counter("serin_decision_log_rows_total", "Rows that the decision log has written.") { [self] in
            Double(written.load(ordering: .relaxed))
        }
    }

    /// 16 bytes of a file as 32 hexadecimal digits; none: nobody knows them, so that hashes mean nothing tomorrow.
    private static func key(_ path: String?) throws(ConfigurationError) -> SipHash {
        guard let path else { return SipHash(.random(in: 0...UInt64.max), .random(in: 0...UInt64.max)) }
        let text = String(decoding: try FileBytes.read(path, limit: 4096), as: UTF8.self).filter { !$0.isWhitespace }
        guard text.utf8.count == 32, let first = UInt64(text.prefix(16), radix: 16),
            let second = UInt64(text.suffix(16), radix: 16)
        else { throw ConfigurationError(source: path, message: "expected 32 hexadecimal digits, the key of hashes") }
        return SipHash(first, second)
    }

    // MARK: From the control plane

    /// `schema`: of a version by its serial.
    func start(_ schema: @escaping @Sendable (UInt64) -> DecisionSchema?) {
        self.schema.withLock { $0 = schema }
        ReactorThread.start("decisions") { self.run() }
    }

    /// Writes what is left; waits some seconds at most, as the disk may.
    func end() {
        wantsEnd.store(true, ordering: .releasing)
        for _ in 0..<300 where !hasEnded.load(ordering: .acquiring) { usleep(10_000) }
    }

    // MARK: The thread

    private func run() {
        while true {
            let isLast = wantsEnd.load(ordering: .acquiring)
            var found = false
            for ring in rings where drain(ring) { found = true }
            let now = clinux_now()
            if pending > 0, isLast || now - memberAt >= Self.memberNanos { flush() }
            if isLast, !found { break }
            if !found { usleep(Self.pauseMicros) }
        }
        flush()
        segments.synchronize()
        hasEnded.store(true, ordering: .releasing)
    }

    /// True: there was something.
    private func drain(_ ring: ByteRing) -> Bool {
        guard ring.first() != nil else { return false }
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        let offset = Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec) - Int64(clinux_now())
        for _ in 0..<4096 {
            guard let record = ring.first() else { break }
            if pending == 0 { memberAt = clinux_now() }
            if append(record, offset) {
                pending += 1
            } else {
                unwritten.add(1, ordering: .relaxed)
            }
            ring.release()
            if text.count >= Self.memberBytes { flush() }
        }
        return true
    }

    /// False: its version is gone and was never known here.
    private func append(_ record: UnsafeRawPointer, _ offset: Int64) -> Bool {
        if lines.append(record, clockOffset: offset, to: &text) { return true }
        let serial = record.load(as: DecisionHead.self).schema
        guard let found = schema.withLock({ $0 })?(serial) else { return false }
        lines.learn(found)
        return lines.append(record, clockOffset: offset, to: &text)
    }

    private func flush() {
        if pending == 0 { return }
        do throws(ConfigurationError) {
            try segments.write(text.bytes)
            written.add(pending, ordering: .relaxed)
        } catch {
            unwritten.add(pending, ordering: .relaxed)
            let now = clinux_now()
            if complainedAt == 0 || now - complainedAt > 60_000_000_000 {
                complainedAt = now
                logger.error("decision log: \(error); rows are lost until it can, and counted")
            }
        }
        text.count = 0
        pending = 0
    }
}

/// Whether a version's requests are logged, in plain words.
struct DecisionEntry {
    /// A request whose draw is below is logged; 0: none, `.max`: every one.
    var threshold: UInt64 = 0
    var schema: UInt64 = 0

    init() {}

    init(_ settings: ModelDecisions, schema: UInt64) {
        self.schema = schema
        switch settings.mode {
        case .off: threshold = 0
        case .sampled: threshold = settings.sample == 1 ? .max : .max / UInt64(settings.sample)
        case .full: threshold = .max
        }
    }
}
