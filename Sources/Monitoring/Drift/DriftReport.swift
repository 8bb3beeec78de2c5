// What one window says of a version.

/// How much a distribution has moved: by its size, never by how sure it is.
public enum DriftLevel: String, Sendable, Comparable, CaseIterable {
    /// Too few rows to say.
    case unknown
    case none, warning, alert

    private var rank: Int {
        switch self {
        case .unknown: 0
        case .none: 1
        case .warning: 2
        case .alert: 3
        }
    }

    public static func < (left: DriftLevel, right: DriftLevel) -> Bool { left.rank < right.rank }
}

/// When it is said.
public struct DriftThresholds: Sendable, Equatable {
    public var warning = 0.1
    public var alert = 0.25
    /// Rows that a window must have.
    public var rowsMin = 1000
    /// Features whose drift is shown and never alerts, such as the hour of the day.
    public var silent: [String] = []

    public init() {}

    func level(_ psi: Double, rows: UInt64) -> DriftLevel {
        if rows < UInt64(rowsMin) { return .unknown }
        return psi >= alert ? .alert : psi >= warning ? .warning : .none
    }
}

public struct DriftFinding: Sendable, Equatable {
    public var name: String
    public var isScore: Bool
    public var isSilent: Bool
    /// Against the training.
    public var psi: Double
    public var jensenShannon: Double
    /// Against the last window that was healthy; nil: there was none.
    public var psiToHealthy: Double?
    /// Against the stable version's, of a candidate; nil: it is none, or they cannot be compared.
    public var psiToStable: Double?
    /// Shares of the live rows.
    public var missing: Double
    public var outOfRange: Double
    public var unseen: Double
    /// Of the training.
    public var missingBefore: Double
    public var level: DriftLevel
    /// Rows by bin, and the training's.
    public var counts: [UInt64]
    public var reference: [UInt64]
}

public struct DriftReport: Sendable, Equatable {
    public var window: DriftWindow
    public var rows: UInt64
    /// The highest of those that are not silent.
    public var level: DriftLevel
    public var findings: [DriftFinding]
}

/// A level has changed.
public struct DriftChange: Sendable, Equatable {
    public var window: DriftWindow
    public var name: String
    public var from: DriftLevel
    public var to: DriftLevel
    public var psi: Double
}
