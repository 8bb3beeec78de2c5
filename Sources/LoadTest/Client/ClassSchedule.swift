// What one class owes, phase after phase: the next request and when it is due.
//
//     open      Arrivals of the phase, drawn one ahead
//     closed    the users' next turns: at the phase's start, then `think` after each answer

internal import Primitives

struct ClassSchedule {
    private enum Mode {
        case idle
        case open(Arrivals)
        case closed(thinkNanos: UInt64)
    }

    private let phases: [Phase]
    private let name: String
    private let index: Int
    private let classCount: Int
    private let seed: UInt64
    /// Requests with rows of the class; a recording's bodies follow them.
    private let rowCount: Int
    /// By phase: the request and key of each recorded line; -1: as the class draws them.
    private let lines: [[(request: Int32, key: Int32)]]
    private var keys: KeyDraw?
    private var mode = Mode.idle
    private var phase = -1
    private var starts: [UInt64] = []
    private var upcoming: Arrivals.Arrival?
    private var users = Queue<UInt64>()
    private var nextRow: Int
    private(set) var isStopped = false

    init(
        _ scenario: Scenario, class index: Int, rowCount: Int, lines: [[(request: Int32, key: Int32)]]
    ) {
        phases = scenario.phases
        let entry = scenario.classes[index]
        name = entry.name
        (self.index, classCount, self.rowCount, self.lines) = (index, scenario.classes.count, rowCount, lines)
        seed = scenario.seed &+ UInt64(index) &* 0x9e37_79b9
        keys = entry.keys.map { KeyDraw(count: $0.distinct, exponent: $0.exponent, seed: scenario.seed &+ 77) }
        nextRow = 0
    }

    /// Fixes when the phases begin.
    mutating func begin(at start: UInt64) {
        var moment = start
        starts = phases.map { phase in
            defer { moment += phase.nanos }
            return moment
        }
        starts.append(moment)
    }

    private mutating func enter(_ next: Int) {
        phase = next
        (mode, upcoming) = (.idle, nil)
        users.removeAll()
        switch phases[next].loads[name] {
        case .none: return
        case .open(let curve, let spacing):
            var arrivals = Arrivals(
                curve, spacing, seed: seed &+ UInt64(next) &* 0x51_7cc1,
                offset: Double(index) / Double(classCount))
            upcoming = arrivals.next()
            mode = .open(arrivals)
        case .replay(let recording, let speed):
            var arrivals = Arrivals(recording, speed: speed, lengthNanos: phases[next].nanos)
            upcoming = arrivals.next()
            mode = .open(arrivals)
        case .closed(let count, let thinkNanos):
            for _ in 0..<count { users.append(starts[next]) }
            mode = .closed(thinkNanos: thinkNanos)
        }
    }

    /// When the next request is due; nil: the phase has no more that are known of, and there is no other.
    var nextDue: UInt64? {
        if isStopped { return nil }
        switch mode {
        case .idle: break
        case .open: if let upcoming { return starts[phase] + upcoming.nanos }
        case .closed: if let due = users.first, due < starts[phase + 1] { return due }
        }
        return phase + 1 < phases.count ? starts[phase + 1] : nil
    }

    /// Hands out what is due.
    mutating func release(_ now: UInt64, _ body: (ClassClient.Pending) -> Void) {
        while true {
            while let due = dueInPhase, due <= now {
                body(take(due, now))
            }
            guard phase + 1 < phases.count, now >= starts[phase + 1] else { return }
            enter(phase + 1)
        }
    }

    private var dueInPhase: UInt64? {
        switch mode {
        case .idle: nil
        case .open: upcoming.map { starts[phase] + $0.nanos }
        case .closed: users.first.flatMap { $0 < starts[phase + 1] ? $0 : nil }
        }
    }

    private mutating func take(_ due: UInt64, _ now: UInt64) -> ClassClient.Pending {
        var pending = ClassClient.Pending(
            due: due, released: now, phase: Int32(phase), request: -1, key: -1, isClosed: false)
        switch mode {
        case .open(var arrivals):
            if let line = upcoming?.line, line >= 0 { (pending.request, pending.key) = lines[phase][line] }
            upcoming = arrivals.next()
            mode = .open(arrivals)
        default:
            users.removeFirst()
            pending.isClosed = true
        }
        draw(&pending)
        return pending
    }

    /// A row, the next one in turn, and a key, where the recording names none.
    private mutating func draw(_ pending: inout ClassClient.Pending) {
        if pending.request < 0 {
            pending.request = Int32(nextRow)
            nextRow = nextRow + 1 < rowCount ? nextRow + 1 : 0
        }
        if pending.key < 0, let key = keys?.next() { pending.key = Int32(key) }
    }

    /// A request outside of all phases, to warm a connection.
    mutating func warmUp(_ now: UInt64) -> ClassClient.Pending {
        var pending = ClassClient.Pending(due: now, released: now, phase: -1, request: -1, key: -1, isClosed: false)
        draw(&pending)
        return pending
    }

    /// A user has its answer.
    mutating func answered(_ now: UInt64, phase ended: Int) {
        guard ended == phase, case .closed(let thinkNanos) = mode else { return }
        users.append(now + thinkNanos)
    }

    /// Nothing is due any more.
    mutating func stop() {
        (isStopped, mode, upcoming) = (true, .idle, nil)
        users.removeAll()
    }

    func isOver(_ now: UInt64) -> Bool {
        if isStopped { return true }
        guard phase + 1 == phases.count else { return false }
        if case .closed = mode { return now >= starts[phase + 1] }
        return upcoming == nil
    }
}
