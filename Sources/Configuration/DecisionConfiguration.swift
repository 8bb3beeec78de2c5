// The `decisions` section, and `models.NAME.decisions`.

public struct DecisionConfiguration: Sendable, Equatable {
    /// The folder of segments; nil: no model's decisions are logged.
    public internal(set) var path: String?
    public internal(set) var segmentBytes = 64 << 20
    /// Of all segments.
    public internal(set) var keepBytes = 10 << 30
    /// On their way to the disk, of each reactor.
    public internal(set) var bufferBytes = 8 << 20
    /// 32 hexadecimal digits: the key of hashes; nil: a random one a start.
    public internal(set) var key: String?
}

/// Which of a model's decisions are logged.
public struct ModelDecisions: Sendable, Equatable {
    public enum Mode: String, Sendable, CaseIterable {
        case off
        /// One request of `sample`.
        case sampled
        case full
    }

    /// What becomes of features that the manifest calls personal.
    public enum Personal: String, Sendable, CaseIterable { case drop, hash }

    public internal(set) var mode = Mode.off
    public internal(set) var sample = 100
    public internal(set) var personal = Personal.drop
}

extension ConfigurationLoader {
    static func readDecisions(_ value: YAMLValue) throws(ConfigurationError) -> ModelDecisions {
        var decisions = ModelDecisions()
        let fields = try value.fields(["log", "sample", "pii"])
        if let log = fields["log"] { decisions.mode = try log.choice(ModelDecisions.Mode.self) }
        if let sample = fields["sample"] { decisions.sample = try sample.integer(in: 1...1_000_000) }
        if let pii = fields["pii"] { decisions.personal = try pii.choice(ModelDecisions.Personal.self) }
        return decisions
    }
}
