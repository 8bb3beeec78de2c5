// The generator: one thread, one epoll, all classes.
//
//     ┌─► what is due ─► pending ─► sent (one write a connection and round)
//     │   timeouts, connections to make again, progress once a second
//     └── sleep until the next is due, or a socket is ready ─► answers
//
// The gateway's reactor counts time in milliseconds; a schedule needs microseconds, so this loop sleeps by epoll_pwait2
// to the nanosecond that is due, with the kernel's timer slack (50 us) turned off for its thread.  A processor that sleeps
// takes its time to wake, in a virtual machine tens of microseconds, of which the kernel knows nothing: with one to
// spare, the last 200 us before a moment are not slept.  What is left is measured: how late each request was released
// is recorded beside its latency.

internal import CLinux
internal import Glibc
internal import Primitives

/// What the run shows of itself each second.
public struct Progress: Sendable {
    public var seconds: Double
    public var totalSeconds: Double
    public var phase: String
    /// Of the last second: answers and errors, requests in flight and waiting.
    public var answers: Int
    public var errors: Int
    public var inFlight: Int
    /// Nanoseconds.
    public var p50: Double
    public var p99: Double
    public var max: Double
}

final class LoadEngine {
    static let readBytes = 256 << 10

    let readBuffer = UnsafeMutableRawPointer.allocate(byteCount: LoadEngine.readBytes + 64, alignment: 64)
    private let epoll: Int32
    private(set) var now: UInt64
    private(set) var start: UInt64 = 0
    private(set) var classes: [ClassClient] = []
    let phases: [Phase]
    var record: RunRecord
    let interrupt = RunInterrupt()
    /// When the run was interrupted, in seconds since its begin.
    private(set) var interruptedAt: Double?
    /// Why requests failed, by class, and how often.
    private(set) var reasons: [[String: Int]]
    private var dirty: [ClientConnection] = []
    private var retries: [ClientConnection] = []
    private var phaseEnds: [UInt64] = []
    private var window: Series
    private var firstFailure: String?
    private var events: UnsafeMutablePointer<epoll_event>
    /// Processor time of the thread, and wall time, of each phase.
    private(set) var busy: [Double]
    /// Before a moment, this long is waited without sleeping.
    private let spinNanos: UInt64
    /// Nanoseconds waited so.
    private var spun: UInt64 = 0

    init(_ scenario: Scenario, _ plans: [ClassPlan], spins: Bool) throws(LoadTestError) {
        spinNanos = spins ? 200_000 : 0
        phases = scenario.phases
        record = RunRecord(scenario)
        reasons = Array(repeating: [:], count: scenario.classes.count)
        busy = Array(repeating: 0, count: scenario.phases.count)
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        precondition(epoll >= 0, "the kernel gave no epoll")
        now = clinux_now()
        window = Series(seconds: 1, blocksMax: 1)
        events = .allocate(capacity: 1024)
        for plan in plans { classes.append(try ClassClient(plan, engine: self)) }
    }

    deinit {
        classes.removeAll()
        Glibc.close(epoll)
        readBuffer.deallocate()
        events.deallocate()
    }

    @inline(__always)
    func readClock() { now = clinux_now() }

    func phaseEnd(_ phase: Int) -> UInt64 { phaseEnds[phase] }

    // MARK: Connections

    func watch(_ connection: ClientConnection, write: Bool) {
        connection.isWriteWatched = write
        let token = UInt64(connection.client.index) << 32 | UInt64(connection.index)
        var event = clinux_epoll_event(
            EPOLLIN.rawValue | EPOLLRDHUP.rawValue | (write ? EPOLLOUT.rawValue : 0), token)
        if epoll_ctl(epoll, EPOLL_CTL_MOD, connection.descriptor, &event) != 0 {
            epoll_ctl(epoll, EPOLL_CTL_ADD, connection.descriptor, &event)
        }
    }

    func markDirty(_ connection: ClientConnection) {
        if connection.isDirty { return }
        connection.isDirty = true
        dirty.append(connection)
    }

    func failed(_ connection: ClientConnection) {
        if firstFailure == nil { firstFailure = "\(connection.client.target): \(connection.failure ?? "closed")" }
        retry(connection)
    }

    func retry(_ connection: ClientConnection) { retries.append(connection) }

    private func flushDirty() {
        var index = 0
        while index < dirty.count {
            let connection = dirty[index]
            connection.isDirty = false
            if connection.descriptor >= 0, connection.state == .open || connection.state == .settling {
                connection.flush()
            }
            index += 1
        }
        dirty.removeAll(keepingCapacity: true)
    }

    private func reconnect() {
        guard !retries.isEmpty else { return }
        let due = retries.filter { $0.retryAt <= now }
        if due.isEmpty { return }
        retries.removeAll { $0.retryAt <= now }
        for connection in due { connection.connect() }
    }

    /// One round: sockets until `wake`, then whatever they brought.
    private func poll(until wake: UInt64) {
        readClock()
        var wait = wake > now ? wake - now : 0
        if let retry = retries.map(\.retryAt).min() { wait = min(wait, retry > now ? retry - now : 0) }
        var count = clinux_epoll_wait(epoll, events, 1024, wait > spinNanos ? wait - spinNanos : 0)
        readClock()
        if count == 0, now < wake, wake - now <= spinNanos {
            let from = now
            repeat {
                count = clinux_epoll_wait(epoll, events, 1024, 0)
                readClock()
            } while count == 0 && now < wake
            spun += now - from
        }
        for index in 0..<max(0, Int(count)) {
            let token = clinux_epoll_token(&events[index])
            let connection = classes[Int(token >> 32)].connections[Int(token & 0xffff_ffff)]
            let bits = events[index].events
            let isBroken = bits & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
            connection.ready(
                readable: isBroken || bits & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue) != 0,
                writable: isBroken || bits & EPOLLOUT.rawValue != 0)
        }
        flushDirty()
    }

    // MARK: Before the run

    /// Opens every connection, and asks on each once; throws where that does not work.
    func prepare() throws(LoadTestError) {
        readClock()
        let total = classes.reduce(0) { $0 + $1.connections.count }
        let deadline = now + 30_000_000_000
        for client in classes { for connection in client.connections { connection.connect() } }
        while case let open = classes.reduce(0, { $0 + $1.openCount }), open < total {
            poll(until: now + 100_000_000)
            if let firstFailure { throw .unreachable(firstFailure) }
            guard now < deadline else {
                throw .unreachable("\(total - open) of \(total) connections were not open after 30 s")
            }
        }
        try warmUp(until: deadline)
    }

    private func warmUp(until deadline: UInt64) throws(LoadTestError) {
        for client in classes {
            for _ in client.connections { client.pending.append(client.schedule.warmUp(now)) }
            client.dispatch()
        }
        while classes.contains(where: { $0.inFlight > 0 || $0.pending.count > 0 }), now < deadline {
            flushDirty()
            poll(until: now + 10_000_000)
            reconnect()
            for client in classes {
                client.dispatch()
                client.expire()
            }
            if let firstFailure { throw .unreachable(firstFailure) }
        }
    }

    /// A request of the warm-up has ended: what a client did wrong is told before the run, not counted in it.
    func warmed(_ client: ClassClient, _ slot: Int, _ ending: ClassClient.Ending) {
        guard case .fault(let reason) = ending, firstFailure == nil else { return }
        let (status, grpc) = (client.slots[slot].status, client.slots[slot].grpcStatus)
        guard (400..<500).contains(status) && status != 408 || [3, 5, 7, 12, 16].contains(grpc) else { return }
        let answer = UnsafeRawBufferPointer(
            start: client.slots[slot].answer.pointer, count: min(client.slots[slot].answer.count, 200))
        let text = client.entry.api == .grpc ? "" : ": \(String(decoding: answer, as: UTF8.self))"
        firstFailure = "\(client.target) refuses class \(client.entry.name): \(reason)\(text)"
    }

    // MARK: The run

    /// Fixes when the first phase begins; a moment from now.
    func begin() {
        clinux_set_timer_slack(1)
        readClock()
        start = now + 20_000_000
        var moment = start
        phaseEnds = phases.map { phase in
            moment += phase.nanos
            return moment
        }
        for client in classes { client.schedule.begin(at: start) }
    }

    func run(progress: ((Progress) -> Void)?) {
        let patience = classes.map(\.entry.timeoutNanos).max() ?? 0
        let end = (phaseEnds.last ?? start) + patience + 1_000_000_000
        var tick = start + 1_000_000_000
        var meter = BusyMeter(phaseEnds: phaseEnds)
        while true {
            readClock()
            for client in classes {
                client.release()
                client.dispatch()
            }
            flushDirty()
            for client in classes { client.expire() }
            reconnect()
            meter.look(now, spun, &busy)
            if interruptedAt == nil, interrupt.isStopped { stop() }
            if now >= end || classes.allSatisfy(\.isDone) { break }
            if now >= tick {
                report(progress)
                tick += 1_000_000_000
            }
            var wake = min(tick, end)
            for client in classes { if let moment = client.wakeAt { wake = min(wake, moment) } }
            // An idle class's end is a moment too.
            if let next = phaseEnds.first(where: { $0 > now }) { wake = min(wake, next) }
            poll(until: wake)
        }
        readClock()
        meter.look(.max, spun, &busy)
        clinux_set_timer_slack(0)
    }

    /// What is in flight is waited for as long as its caller would.
    private func stop() {
        let at = Double(max(now, start) - start) / 1e9
        interruptedAt = at
        for client in classes { client.stop() }
        record.cut(at: at)
    }

    private func report(_ progress: ((Progress) -> Void)?) {
        defer { window = Series(seconds: 1, blocksMax: 1) }
        guard let progress else { return }
        let phase = phaseEnds.firstIndex { now < $0 } ?? phases.count - 1
        progress(
            Progress(
                seconds: Double(now - start) / 1e9, totalSeconds: phases.reduce(0) { $0 + $1.seconds },
                phase: phases[phase].name, answers: window.counts.answers, errors: window.counts.errors,
                inFlight: classes.reduce(0) { $0 + $1.inFlight + $1.pending.count },
                p50: window.percentile(50) ?? 0, p99: window.percentile(99) ?? 0, max: window.value(.max) ?? 0))
    }

    // MARK: What requests tell

    /// An answer that comes now is none of the phase's throughput: a tenth of a second is left for those under way.
    func isOver(_ phase: Int) -> Bool {
        now > phaseEnds[phase] + min(100_000_000, phases[phase].nanos / 20)
    }

    func finished(
        _ client: ClassClient, phase: Int, version: Int, due: UInt64, _ counts: Counts, latency: UInt64?
    ) {
        let phaseStart = phaseEnds[phase] - phases[phase].nanos
        record.record(
            trafficClass: client.index, phase: phase, version: version,
            due: Double(due - min(due, phaseStart)) / 1e9, counts, latency: latency,
            ended: Double(now - min(now, phaseStart)) / 1e9)
        window.record(due: 0, counts, latency: latency)
    }

    /// A reason for a failure, at most 32 of a class.
    func note(_ index: Int, _ reason: String) {
        if reasons[index][reason] != nil || reasons[index].count < 32 { reasons[index][reason, default: 0] += 1 }
    }
}

/// How much of a phase's time the generator's thread was at work; waiting awake is none.
private struct BusyMeter {
    let phaseEnds: [UInt64]
    private var phase = 0
    private var cpu = clinux_thread_cpu()
    private var wall = clinux_now()
    private var spun: UInt64 = 0

    init(phaseEnds: [UInt64]) { self.phaseEnds = phaseEnds }

    mutating func look(_ now: UInt64, _ spunNow: UInt64, _ busy: inout [Double]) {
        guard phase < phaseEnds.count, now >= phaseEnds[phase] else { return }
        let (cpuNow, wallNow) = (clinux_thread_cpu(), clinux_now())
        busy[phase] = max(0, Double(cpuNow - cpu) - Double(spunNow - spun)) / Double(max(wallNow - wall, 1))
        (cpu, wall, spun) = (cpuNow, wallNow, spunNow)
        phase += 1
    }
}
