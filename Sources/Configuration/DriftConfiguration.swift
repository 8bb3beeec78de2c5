// `models.NAME.drift`.

public struct DriftConfiguration: Sendable, Equatable {
    /// Values and scores are counted, where the bundle has a profile.
    public internal(set) var isOn = true
    /// Of the population stability index.
    public internal(set) var warning = 0.1
    public internal(set) var alert = 0.25
    /// Below so many rows a window says nothing.
    public internal(set) var rowsMin = 1000
    /// Features that never alert.
    public internal(set) var silent: [String] = []
}

extension ConfigurationLoader {
    static let driftFields = ["enabled", "warn", "alert", "min_rows", "silent"]

    static func readDrift(_ value: YAMLValue) throws(ConfigurationError) -> DriftConfiguration {
        var drift = DriftConfiguration()
        let fields = try value.fields(driftFields)
        if let enabled = fields["enabled"] { drift.isOn = try enabled.boolean() }
        if let warn = fields["warn"] { drift.warning = try readIndex(warn) }
        if let alert = fields["alert"] { drift.alert = try readIndex(alert) }
        guard drift.warning <= drift.alert else {
            throw (fields["alert"] ?? value).error("is below warn, which is \(drift.warning)")
        }
        if let rows = fields["min_rows"] { drift.rowsMin = try rows.integer(in: 100...100_000_000) }
        for item in try fields["silent"]?.items("a list of features", countMax: 4096) ?? [] {
            drift.silent.append(try item.text("a feature's name"))
        }
        return drift
    }

    private static func readIndex(_ value: YAMLValue) throws(ConfigurationError) -> Double {
        let index = try value.number()
        guard (0.01...10).contains(index) else { throw value.expected("0.01 to 10") }
        return index
    }
}
