// One trigger: when it fires, and what becomes of its event. A pure value; time is an argument.
//
//                finding                    2xx
//     quiet ───────────────► pending ──────────────► cooling ── cooldown over ──► quiet
//       ▲      (stored first)   │ │ ▲                   ▲
//       │                       │ └─┘ no answer, another status: again after 1 s, 2 s, 4 s … 5 m
//       │                       └──── for `retry` nobody took it, or 410: given up
//
// One event is under way at a time, and it is on disk before it is sent: a restart sends it again under the same id and
// fires nothing twice. The cooldown counts from the firing, whatever became of the event. A condition that still holds
// when it is over fires anew.
//
// The wall clock is used, as cooldowns outlive the process. If it is set back, the time that it has lost is waited for
// no more than once: a firing that lies in the future counts as now.

/// What of a trigger outlives the process.
public struct TriggerRecord: Codable, Sendable, Equatable {
    public struct Event: Codable, Sendable, Equatable {
        /// The CloudEvent's, and the `webhook-id`.
        public var id: String
        /// The CloudEvent.
        public var body: String
        /// What fired, in a sentence.
        public var reason: String

        public init(id: String, body: String, reason: String) { (self.id, self.body, self.reason) = (id, body, reason) }
    }

    /// The last one, taken or not.
    public var event: Event?
    /// It is still to be delivered.
    public var isPending = false
    /// Milliseconds since 1970.
    public var firedAt: Int64?
    public var deliveredAt: Int64?
    /// Of the pending event.
    public var attempts = 0
    public var nextAttemptAt: Int64 = 0
    /// Why the last attempt failed; nil: it did not.
    public var failure: String?
    public var fired: UInt64 = 0
    public var delivered: UInt64 = 0
    public var failedAttempts: UInt64 = 0
    public var givenUp: UInt64 = 0

    public init() {}
}

/// What came of an attempt.
public enum TriggerAnswer: Sendable, Equatable {
    case status(Int)
    /// Nobody answered, and why.
    case failed(String)
}

public struct TriggerMachine: Sendable, Equatable {
    public enum State: String, Sendable, CaseIterable { case quiet, pending, cooling }

    /// What an attempt has led to.
    public enum Outcome: String, Sendable {
        case delivered, failed
        case givenUp = "given-up"
    }

    private static let firstPauseMillis: Int64 = 1000
    private static let pauseMillisMax: Int64 = 300_000

    public private(set) var record: TriggerRecord
    let cooldownMillis: Int64
    let retryMillis: Int64

    public init(cooldownNanos: UInt64, retryNanos: UInt64, _ record: TriggerRecord = TriggerRecord()) {
        self.record = record
        cooldownMillis = Int64(cooldownNanos / 1_000_000)
        retryMillis = Int64(retryNanos / 1_000_000)
    }

    /// - Parameter now: milliseconds since 1970, as everywhere here.
    public func state(at now: Int64) -> State {
        if record.isPending { return .pending }
        guard let firedAt = record.firedAt, now < firedAt + cooldownMillis else { return .quiet }
        return .cooling
    }

    /// When it may fire again; nil: now, or once its event is delivered.
    public func cooledAt(_ now: Int64) -> Int64? {
        state(at: now) == .cooling ? record.firedAt.map { $0 + cooldownMillis } : nil
    }

    /// The clock was set back: what lies ahead of it is now.
    public mutating func settle(_ now: Int64) {
        if let firedAt = record.firedAt, firedAt > now { record.firedAt = now }
        if record.nextAttemptAt > now + Self.pauseMillisMax { record.nextAttemptAt = now }
    }

    /// It fires with this event, which is to be stored before anything is sent.
    public mutating func fire(_ event: TriggerRecord.Event, at now: Int64) {
        precondition(state(at: now) == .quiet, "one event at a time, and none while it cools")
        (record.event, record.isPending, record.firedAt) = (event, true, now)
        (record.attempts, record.nextAttemptAt, record.failure) = (0, now, nil)
        record.fired += 1
    }

    /// The event that is to be sent now; nil: none.
    public func due(_ now: Int64) -> TriggerRecord.Event? {
        record.isPending && now >= record.nextAttemptAt ? record.event : nil
    }

    /// What came of sending the event with this id; nil: it is not under way any more.
    public mutating func answer(_ id: String, _ answer: TriggerAnswer, at now: Int64) -> Outcome? {
        guard record.isPending, record.event?.id == id else { return nil }
        if case .status(let status) = answer, 200..<300 ~= status {
            (record.isPending, record.deliveredAt, record.failure) = (false, now, nil)
            record.delivered += 1
            return .delivered
        }
        record.attempts += 1
        record.failedAttempts += 1
        let isGone = answer == .status(410)
        switch answer {
        case .status(let status): record.failure = "it answered \(status)"
        case .failed(let reason): record.failure = reason
        }
        let pause = min(Self.firstPauseMillis << Int64(min(record.attempts - 1, 20)), Self.pauseMillisMax)
        if isGone || now + pause >= (record.firedAt ?? now) + retryMillis {
            record.isPending = false
            record.givenUp += 1
            return .givenUp
        }
        record.nextAttemptAt = now + pause
        return .failed
    }
}
