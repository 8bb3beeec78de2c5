// The `feedback` section, and `models.NAME.feedback`.

public struct FeedbackConfiguration: Sendable, Equatable {
    /// How old a prediction may be when its label comes.
    public internal(set) var acceptNanos: UInt64 = 4320 * 3_600_000_000_000
    /// How long a label is kept after that.
    public internal(set) var keepNanos: UInt64 = 4320 * 3_600_000_000_000
    /// Calls that wait for the disk; one more gets 503.
    public internal(set) var queue = 1024
}

/// Whether a model's answers carry prediction ids, and its labels are taken.
public struct ModelFeedback: Sendable, Equatable {
    public internal(set) var isOn = true
}

extension ConfigurationLoader {
    static func readFeedback(_ value: YAMLValue) throws(ConfigurationError) -> ModelFeedback {
        var feedback = ModelFeedback()
        let fields = try value.fields(["enabled"])
        if let enabled = fields["enabled"] { feedback.isOn = try enabled.boolean() }
        return feedback
    }
}
