// The `log.access` section: which requests get a line, and where.

public struct AccessLogConfiguration: Sendable, Equatable {
    public enum Mode: String, Sendable, CaseIterable {
        case off
        /// Answers of 400 and above.
        case errors
        /// One of `sample`.
        case sampled
    }

    public internal(set) var mode = Mode.off
    /// One request of so many.
    public internal(set) var sample = 100
    /// nil: standard output.
    public internal(set) var file: String?

    var modeText: String {
        get { mode.rawValue }
        set { mode = Mode(rawValue: newValue) ?? .off }
    }
}
