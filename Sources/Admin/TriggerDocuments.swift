// Triggers and arrivals as the admin plane tells of them, and what a trigger's event says.

/// The data of a CloudEvent `dev.serin.trigger.…`, and of an entry of `/events`.
public struct TriggerEventDocument: Codable, Sendable, Equatable {
    public var model: String
    public var version: String
    /// SHA-256 of the version's source model.
    public var digest: String
    public var trigger: String
    /// drift, accuracy, label-delay or violations.
    public var kind: String
    /// The feature, score or metric that is worst; the delay; or requests.
    public var figure: String
    public var value: Double
    public var limit: Double
    /// Rows, labels or requests that it comes from.
    public var samples: UInt64
    /// 5m, 1h or 24h; of labels 1d, 7d, 30d or all.
    public var window: String
    /// One sentence.
    public var reason: String
    public var lineage: LineageDocument?

    public init(
        model: String, version: String, digest: String, trigger: String, kind: String, figure: String, value: Double,
        limit: Double, samples: UInt64, window: String, reason: String, lineage: LineageDocument?
    ) {
        (self.model, self.version, self.digest, self.trigger) = (model, version, digest, trigger)
        (self.kind, self.figure, self.value, self.limit) = (kind, figure, value, limit)
        (self.samples, self.window, self.reason, self.lineage) = (samples, window, reason, lineage)
    }
}

/// What became of an event, for those who watch `/events`.
public struct TriggerOutcomeDocument: Codable, Sendable, Equatable {
    public var model: String
    public var trigger: String
    public var event: String
    /// fired, delivered or given-up.
    public var outcome: String
    public var reason: String

    public init(model: String, trigger: String, event: String, outcome: String, reason: String) {
        (self.model, self.trigger, self.event) = (model, trigger, event)
        (self.outcome, self.reason) = (outcome, reason)
    }
}

public struct TriggerDocument: Codable, Sendable, Equatable {
    public var name: String
    /// drift, accuracy, label-delay or violations.
    public var kind: String
    public var url: String
    /// quiet, pending (its event is not delivered yet) or cooling.
    public var state: String
    public var cooldownSeconds: Double
    /// What meets its condition at the moment; nil: nothing does.
    public var now: String?
    /// Of the last event, as RFC 3339.
    public var firedAt: String?
    public var deliveredAt: String?
    /// When it may fire again, while it cools.
    public var cooledAt: String?
    /// The last event's id, and why it was fired.
    public var event: String?
    public var reason: String?
    /// Why the last attempt to deliver it failed.
    public var failure: String?
    public var attempts: Int?
    public var nextAttemptAt: String?
    public var fired: UInt64
    public var delivered: UInt64
    public var failedAttempts: UInt64
    public var givenUp: UInt64

    public init(name: String, kind: String, url: String, state: String, cooldownSeconds: Double) {
        (self.name, self.kind, self.url, self.state) = (name, kind, url, state)
        self.cooldownSeconds = cooldownSeconds
        (fired, delivered, failedAttempts, givenUp) = (0, 0, 0, 0)
    }

    enum CodingKeys: String, CodingKey {
        case name, kind, url, state, now, event, reason, failure, attempts, fired, delivered
        case cooldownSeconds = "cooldown_seconds"
        case firedAt = "fired_at"
        case deliveredAt = "delivered_at"
        case cooledAt = "cooled_at"
        case nextAttemptAt = "next_attempt_at"
        case failedAttempts = "failed_attempts"
        case givenUp = "given_up"
    }
}

/// A version that arrived in the repository.
public struct ArrivalDocument: Codable, Sendable, Equatable {
    public var version: String
    /// known (it was there before anybody looked), incomplete, loaded, waiting, started, refused or passed-over.
    public var outcome: String
    public var reason: String
    /// Of the outcome, as RFC 3339.
    public var time: String

    public init(version: String, outcome: String, reason: String, time: String) {
        (self.version, self.outcome, self.reason, self.time) = (version, outcome, reason, time)
    }
}

/// The same for those who watch `/events`.
public struct ArrivalEventDocument: Codable, Sendable, Equatable {
    public var model: String
    public var version: String
    public var outcome: String
    public var reason: String

    public init(model: String, version: String, outcome: String, reason: String) {
        (self.model, self.version, self.outcome, self.reason) = (model, version, outcome, reason)
    }
}
