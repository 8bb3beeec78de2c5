// Who goes first when there is more to do than can be done.

/// Classes of requests; `serin-priority` and Triton's `parameters.priority` name them.
public enum Priority: UInt8, Sendable, CaseIterable {
    case high, normal, low

    public var text: StaticString {
        switch self {
        case .high: "high"
        case .normal: "normal"
        case .low: "low"
        }
    }
}
