// The access log: one JSON object a line, written by a thread of its own.
//
//     reactor 0 ──► ring ─┐
//     reactor 1 ──► ring ─┴─► thread ──► text ──► write(2)          a full ring drops and counts
//
// Whatever the disk does, a reactor only ever copies a record into its ring. The thread looks fifty times a second, so a
// line is on its way within 20 ms; a ring holds 4,096 records, 200,000 a second. Rotation: move the file away and
// send SIGHUP, and the thread opens the path anew.

import CLinux
import Configuration
import Glibc
import HTTP
import Logging
import Primitives
import Reactor
import Synchronization
import Telemetry

// SAFETY: the atomics are shared; everything else is the thread's from `start` on.
final class AccessLog: @unchecked Sendable {
    static let recordsMax = 4096
    private static let pauseMicros: UInt32 = 20_000
    private static let textBytes = 64 << 10

    private let path: String?
    private let choice: HTTPAccessLog.Choice
    private let rings: [RecordRing]
    private let dropped: CounterID
    private let unwritten = LineCount()
    private let wantsReopen = Atomic<Bool>(false)
    private let wantsEnd = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)
    private let logger: Logger
    private var descriptor: Int32
    private var text = GrowableBuffer(capacity: 80 << 10)
    private var lines = 0

    /// nil: it is off. Throws where the file cannot be opened.
    init?(
        _ configuration: AccessLogConfiguration, reactors: Int, _ registry: MetricsRegistry, _ logger: Logger
    ) throws {
        switch configuration.mode {
        case .off: return nil
        case .errors: choice = .errors
        case .sampled: choice = .sample(configuration.sample)
        }
        path = configuration.file
        self.logger = logger
        rings = (0..<reactors).map { _ in
            RecordRing(capacity: Self.recordsMax, recordBytes: HTTPAccessHead.recordBytes)
        }
        let (name, help) = ("serin_access_log_dropped_total", "Lines of the access log that were lost, by reason.")
        dropped = try registry.counter(name, help, labels: [("reason", "full")])
        descriptor = 1
        let unwritten = unwritten
        try registry.counter(name, help, labels: [("reason", "write")]) {
            Double(unwritten.value.load(ordering: .relaxed))
        }
        if let path {
            descriptor = Self.open(path)
            if descriptor < 0 {
                throw ConfigurationError(
                    source: path, message: "cannot be opened to append: \(String(cString: strerror(errno)))")
            }
        }
    }

    private static func open(_ path: String) -> Int32 {
        Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
    }

    /// What the engine of reactor `index` writes into.
    func log(_ index: Int, _ shard: MetricsShard) -> HTTPAccessLog {
        HTTPAccessLog(choice, ring: rings[index], dropped: dropped, shard: shard)
    }

    // MARK: From the main thread

    func start() { ReactorThread.start("access-log") { self.run() } }

    /// The file has been moved away: open its path anew.
    func reopen() { wantsReopen.store(true, ordering: .relaxed) }

    /// Writes what is left; waits a second at most.
    func end() {
        wantsEnd.store(true, ordering: .releasing)
        for _ in 0..<100 where !hasEnded.load(ordering: .acquiring) { usleep(10_000) }
    }

    // MARK: The thread

    private func run() {
        while true {
            let isLast = wantsEnd.load(ordering: .acquiring)
            if wantsReopen.exchange(false, ordering: .relaxed) { openAnew() }
            for ring in rings { drain(ring) }
            flush()
            if isLast { break }
            usleep(Self.pauseMicros)
        }
        hasEnded.store(true, ordering: .releasing)
    }

    private func openAnew() {
        guard let path else { return }
        let new = Self.open(path)
        if new < 0 {
            return logger.error("access log: \(path) cannot be opened, the old file stays: \(errno)")
        }
        close(descriptor)
        descriptor = new
    }

    private func drain(_ ring: RecordRing) {
        // The clock that lines show, against the one that reactors count in.
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        let offset = Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec) - Int64(clinux_now())
        for _ in 0..<Self.recordsMax {
            guard let record = ring.first() else { return }
            AccessLine.write(record, clockOffset: offset, into: &text)
            ring.release()
            lines += 1
            if text.count > Self.textBytes { flush() }
        }
    }

    private func flush() {
        var start = 0
        while start < text.count {
            let count = write(descriptor, text.pointer + start, text.count - start)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 {
                unwritten.value.add(lines, ordering: .relaxed)
                break
            }
            start += count
        }
        text.count = 0
        lines = 0
    }
}

private final class LineCount: Sendable {
    let value = Atomic<Int>(0)
}
