// One class while it runs: what is due, what waits for a stream, what is in flight.
//
//     schedule ──due──► pending ──a connection with room──► slots ──answer, timeout, broken──► record
//                          └── older than the timeout: given up, never sent
//
// `pending` is where an open loop differs from a closed one: a request is there from the moment it is due, whatever the
// target does, and its latency counts from that moment.

internal import CNghttp2
internal import Primitives

final class ClassClient {
    struct Pending {
        var due: UInt64
        /// When the generator got to it.
        var released: UInt64
        var phase: Int32
        var request: Int32
        var key: Int32
        var isClosed: Bool
    }

    struct Timeout {
        var expiry: UInt64
        var slot: Int32
        var generation: UInt32
    }

    /// Requests that may wait for a stream; beyond it they are given up at once.
    static let pendingMax = 1_000_000

    let index: Int
    let entry: TrafficClass
    let target: Target
    unowned(unsafe) let engine: LoadEngine
    let tls: ClientTLS?
    let address: ResolvedAddress
    let requests: RequestSet
    let slots: UnsafeMutablePointer<RequestSlot>
    let slotCount: Int
    private var free: [Int32]
    private(set) var connections: [ClientConnection] = []
    var pending = Queue<Pending>()
    var timeouts = Queue<Timeout>()
    var schedule: ClassSchedule
    private var check: AnswerCheck?
    private var cursor = 0
    /// No connection had room when it was looked for last, and none has got any since.
    private var isFull = false
    /// What answers call themselves; the first is "", no name. The record tells fewer of them apart.
    private var versions = [""]
    /// The place of each in the record; of none, that of the version which was asked for.
    private var places: [Int]
    private static let versionsMax = 4096
    /// Connections that are open.
    var openCount = 0
    /// Why one was lost last; nil: one has been made since.
    private var failure: String?
    var inFlight: Int { slotCount - free.count }

    init(_ plan: ClassPlan, engine: LoadEngine) throws(LoadTestError) {
        (index, entry, target) = (plan.index, plan.entry, plan.target)
        self.engine = engine
        tls = plan.target.isSecure ? try ClientTLS(plan.tls, http: plan.entry.http) : nil
        address = try ResolvedAddress(plan.target)
        requests = plan.requests
        slotCount = plan.entry.connections * plan.entry.streams
        places = [engine.record.version(plan.entry.version ?? "", ofClass: plan.index)]
        slots = .allocate(capacity: slotCount)
        for slot in 0..<slotCount { (slots + slot).initialize(to: RequestSlot()) }
        free = (0..<Int32(slotCount)).reversed()
        schedule = plan.schedule
        if plan.entry.check == .scores, let source = plan.source {
            check = AnswerCheck(plan.entry.api, plan.bodies, source)
        }
        connections = (0..<plan.entry.connections).map { ClientConnection(index: $0, client: self) }
    }

    deinit {
        connections.removeAll()
        slots.deinitialize(count: slotCount)
        slots.deallocate()
    }

    // MARK: Out

    /// Takes what is due off the schedule.
    func release() {
        if schedule.isStopped { return }
        let now = engine.now
        schedule.release(now) { arrival in
            if !arrival.isClosed {
                engine.record.send(index, Int(arrival.phase)) { sending in
                    sending.scheduled += 1
                    sending.lateness.record(due: 0, Counts(), latency: now - arrival.due)
                }
            }
            if pending.count < Self.pendingMax { pending.append(arrival) } else { giveUp(arrival) }
        }
    }

    /// Nothing more is sent.
    func stop() {
        schedule.stop()
        pending.removeAll()
    }

    /// A connection has opened, or its server allows more streams.
    func gotRoom() { (isFull, failure) = (false, nil) }

    /// Sends what waits, as far as there is room.
    func dispatch() {
        while let next = pending.first {
            if engine.now >= next.due + entry.timeoutNanos {
                pending.removeFirst()
                giveUp(next)
                continue
            }
            guard !isFull, let connection = connectionWithRoom(), let slot = free.popLast() else {
                isFull = true
                return
            }
            pending.removeFirst()
            start(next, Int(slot), connection)
        }
    }

    private func connectionWithRoom() -> ClientConnection? {
        for _ in 0..<connections.count {
            cursor = cursor + 1 < connections.count ? cursor + 1 : 0
            let connection = connections[cursor]
            if connection.room > 0 { return connection }
            // Not where its last request ends: libnghttp2 may be at work there.
            if connection.isLeaving, connection.inFlight == 0, connection.state == .open { connection.renew() }
        }
        return nil
    }

    private func start(_ request: Pending, _ slot: Int, _ connection: ClientConnection) {
        let key = request.key
        slots[slot].take(
            due: request.due, phase: request.phase, request: request.request, key: key, isClosed: request.isClosed)
        slots[slot].connection = Int32(connection.index)
        connection.inFlight += 1
        timeouts.append(
            Timeout(
                expiry: request.due + entry.timeoutNanos, slot: Int32(slot), generation: slots[slot].generation))
        if request.phase >= 0 {
            let isInTime = engine.now <= engine.phaseEnd(Int(request.phase)) + 100_000_000
            engine.record.send(index, Int(request.phase)) { sending in
                if isInTime { sending.sent += 1 }
                sending.waiting.record(due: 0, Counts(), latency: engine.now - request.released)
            }
        }
        submit(slot, connection)
    }

    private func submit(_ slot: Int, _ connection: ClientConnection) {
        var prepared = requests.prepared[Int(slots[slot].request)]
        engine.markDirty(connection)
        guard entry.http == 2 else { return HTTP1Client.submit(connection, slot: slot, prepared) }
        if requests.hasKeys {
            let key = Int(slots[slot].key)
            if key >= 0 {
                let text = requests.keys[key]
                prepared.fields[prepared.fieldCount - 1].value = UnsafeMutablePointer(
                    mutating: text.baseAddress?.assumingMemoryBound(to: UInt8.self))
                prepared.fields[prepared.fieldCount - 1].valuelen = text.count
            } else {
                prepared.fieldCount -= 1
            }
        }
        if !HTTP2Client.submit(connection, slot: slot, prepared) {
            connection.isLeaving = true
            finish(slot, .fault("the connection takes no more requests"))
        }
    }

    // MARK: In

    /// A field of an HTTP/2 answer.
    func field(
        _ connection: ClientConnection, _ stream: Int32, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) {
        guard [7, 10, 11, 13].contains(name.count), let slot = HTTP2Client.slot(connection, stream) else { return }
        field(slot, name, value)
    }

    func field(_ slot: Int, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        switch name.count {
        case 7 where name.elementsEqual(":status".utf8): slots[slot].status = Int32(Self.number(value))
        case 11 where name.elementsEqual("grpc-status".utf8): slots[slot].grpcStatus = Int32(Self.number(value))
        case 13 where name.elementsEqual("serin-version".utf8):
            slots[slot].version = Int32(version(value))
        case 10 where name.elementsEqual("serin-tier".utf8):
            slots[slot].isFallback = value.elementsEqual("fallback".utf8)
        default: return
        }
    }

    private func version(_ text: UnsafeRawBufferPointer) -> Int {
        for (place, known) in versions.enumerated() where text.elementsEqual(known.utf8) { return place }
        guard versions.count < Self.versionsMax else { return 0 }
        let name = String(decoding: text.prefix(64), as: UTF8.self)
        versions.append(name)
        places.append(engine.record.version(name, ofClass: index))
        return versions.count - 1
    }

    private static func number(_ text: UnsafeRawBufferPointer) -> Int {
        text.prefix(4).reduce(0) { $0 * 10 + Int($1 &- 0x30) }
    }

    /// Bytes of an answer's body.
    func received(_ slot: Int, _ bytes: UnsafeRawBufferPointer) {
        // Read by nobody but where scores are compared; of the warm-up, the beginning is quoted.
        let room = (check == nil ? RequestSlot.quoteBytesMax : RequestSlot.answerBytesMax) - slots[slot].answer.count
        guard let base = bytes.baseAddress, bytes.count <= room || (check == nil && room > 0) else { return }
        slots[slot].answer.append(base, min(bytes.count, room))
    }

    /// The answer has ended. `isWhole`: it was not reset.
    func ended(_ slot: Int, isWhole: Bool) {
        finish(slot, isWhole ? outcome(slot) : .fault("the stream was reset"))
    }

    enum Ending {
        case answer(isRight: Bool?)
        case shed(String)
        case timeout
        case fault(String)
    }

    private func outcome(_ slot: Int) -> Ending {
        let status = slots[slot].status
        if entry.api == .grpc, status == 200 {
            switch slots[slot].grpcStatus {
            case 0: break
            case 4: return .timeout
            case 8, 14: return .shed("grpc-status \(slots[slot].grpcStatus)")
            default: return .fault("grpc-status \(slots[slot].grpcStatus)")
            }
        } else if !(200...299).contains(status) {
            switch status {
            case 429, 503: return .shed("status \(status)")
            case 504: return .timeout
            default: return .fault("status \(status)")
            }
        }
        guard check != nil, !slots[slot].isFallback else { return .answer(isRight: nil) }
        let version = versions[Int(slots[slot].version)]
        if let wanted = entry.version, slots[slot].version != 0, version != wanted { return .answer(isRight: false) }
        slots[slot].answer.reserve(slots[slot].answer.count + 64)
        let bytes = UnsafeRawBufferPointer(start: slots[slot].answer.pointer, count: slots[slot].answer.count)
        switch check!.check(bytes, request: Int(slots[slot].request), version: version) {
        case .right: return .answer(isRight: true)
        case .wrong: return .answer(isRight: false)
        case .unread: return .answer(isRight: nil)
        }
    }

    /// Records a request's end and frees its slot.
    func finish(_ slot: Int, _ ending: Ending) {
        let connection = connections[Int(slots[slot].connection)]
        connection.inFlight -= 1
        slots[slot].isLive = false
        slots[slot].generation &+= 1
        free.append(Int32(slot))
        isFull = false
        let (phase, due) = (Int(slots[slot].phase), slots[slot].due)
        if slots[slot].isClosed { schedule.answered(engine.now, phase: phase) }
        guard phase >= 0 else { return engine.warmed(self, slot, ending) }
        var latency: UInt64? = engine.now - due
        var counts = Counts()
        counts.requests = 1
        switch ending {
        case .answer(let isRight):
            counts.answers = 1
            if engine.isOver(phase) { counts.late = 1 }
            if slots[slot].isFallback { counts.fallback = 1 }
            if let isRight {
                counts.checked = 1
                if !isRight {
                    counts.mismatches = 1
                    engine.note(index, wrong(versions[Int(slots[slot].version)]))
                }
            }
        case .shed(let reason):
            (counts.shed, latency) = (1, nil)
            engine.note(index, reason)
        case .timeout:
            counts.timeouts = 1
            engine.note(index, "timeout")
        case .fault(let reason):
            (counts.faults, latency) = (1, nil)
            engine.note(index, reason)
        }
        engine.finished(
            self, phase: phase, version: places[Int(slots[slot].version)], due: due, counts, latency: latency)
    }

    private func wrong(_ version: String) -> String {
        if let wanted = entry.version, wanted != version {
            return "version \(version.isEmpty ? "nobody" : version) answered, and \(wanted) was asked"
        }
        return "wrong score of version \(version)"
    }

    /// A request that found no stream in time.
    private func giveUp(_ request: Pending) {
        if request.isClosed { schedule.answered(engine.now, phase: Int(request.phase)) }
        guard request.phase >= 0 else { return }
        engine.record.send(index, Int(request.phase)) { $0.unsent += 1 }
        var counts = Counts()
        counts.requests = 1
        if openCount == 0, let failure {
            counts.faults = 1
            engine.note(index, "given up before it could be sent: no connection (\(failure))")
        } else {
            counts.timeouts = 1
            engine.note(index, "given up before it could be sent: every stream was in use")
        }
        // The caller has waited all the same, so there is a latency.
        engine.finished(
            self, phase: Int(request.phase), version: places[0], due: request.due, counts,
            latency: engine.now - request.due)
    }

    // MARK: Time

    /// Gives up what waits too long for its answer.
    func expire() {
        while let oldest = timeouts.first {
            let slot = Int(oldest.slot)
            let isGone = !slots[slot].isLive || slots[slot].generation != oldest.generation
            if !isGone, engine.now < oldest.expiry { return }
            timeouts.removeFirst()
            if isGone { continue }
            let connection = connections[Int(slots[slot].connection)]
            if entry.http == 2 {
                HTTP2Client.cancel(connection, stream: slots[slot].stream)
                engine.markDirty(connection)
                finish(slot, .timeout)
            } else {
                connection.http1.slot = -1
                finish(slot, .timeout)
                connection.renew()
            }
        }
    }

    /// A connection broke: what was in flight on it has failed.
    func connectionLost(_ connection: ClientConnection) {
        failure = connection.failure
        guard connection.inFlight > 0 else { return }
        let reason = "connection: \(connection.failure ?? "lost")"
        for slot in 0..<slotCount
        where slots[slot].isLive && Int(slots[slot].connection) == connection.index { finish(slot, .fault(reason)) }
    }

    /// When it has something to do again; nil: only when the target answers.
    var wakeAt: UInt64? {
        var wake = schedule.nextDue
        if let expiry = timeouts.first?.expiry { wake = min(wake ?? .max, expiry) }
        if let due = pending.first?.due { wake = min(wake ?? .max, due + entry.timeoutNanos) }
        return wake
    }

    var isDone: Bool { schedule.isOver(engine.now) && pending.count == 0 && inFlight == 0 }
}
