// `models.NAME.explain`.

public struct ExplanationConfiguration: Sendable, Equatable {
    /// Every version that can be explained is prepared for it, in the background.
    public internal(set) var isOn = true
    /// What one request may take, as measured when the version was prepared; nanoseconds of processor time.
    public internal(set) var budgetNanos: UInt64 = 100_000_000
}

extension ConfigurationLoader {
    static let explanationFields = ["enabled", "budget"]

    static func readExplanation(_ value: YAMLValue) throws(ConfigurationError) -> ExplanationConfiguration {
        var explanation = ExplanationConfiguration()
        let fields = try value.fields(explanationFields)
        if let enabled = fields["enabled"] { explanation.isOn = try enabled.boolean() }
        if let budget = fields["budget"] { explanation.budgetNanos = try budget.nanos(in: budgetRange) }
        return explanation
    }
}
