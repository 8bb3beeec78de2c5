// A version's drift as the admin plane tells of it.

public struct DriftDocument: Codable, Sendable, Equatable {
    public struct Variable: Codable, Sendable, Equatable {
        public var name: String
        /// feature or score.
        public var kind: String
        /// unknown, none, warning or alert.
        public var level: String
        /// It never alerts.
        public var silent: Bool
        /// Against the training.
        public var psi: Double
        public var jensenShannon: Double
        /// Against the last healthy window, and against the stable version's traffic.
        public var psiToHealthy: Double?
        public var psiToStable: Double?
        /// Shares of the rows.
        public var missing: Double
        public var missingBefore: Double
        public var outOfRange: Double
        public var unseen: Double
        /// Rows by bin: below, the profile's bins, above, missing; or the profile's categories, other, unseen, missing.
        public var counts: [UInt64]
        public var reference: [UInt64]

        public init(
            name: String, kind: String, level: String, silent: Bool, psi: Double, jensenShannon: Double,
            psiToHealthy: Double?, psiToStable: Double?, missing: Double, missingBefore: Double, outOfRange: Double,
            unseen: Double, counts: [UInt64], reference: [UInt64]
        ) {
            (self.name, self.kind, self.level, self.silent) = (name, kind, level, silent)
            (self.psi, self.jensenShannon) = (psi, jensenShannon)
            (self.psiToHealthy, self.psiToStable) = (psiToHealthy, psiToStable)
            (self.missing, self.missingBefore) = (missing, missingBefore)
            (self.outOfRange, self.unseen) = (outOfRange, unseen)
            (self.counts, self.reference) = (counts, reference)
        }

        enum CodingKeys: String, CodingKey {
            case name, kind, level, silent, psi, missing, unseen, counts, reference
            case jensenShannon = "jensen_shannon"
            case psiToHealthy = "psi_to_healthy"
            case psiToStable = "psi_to_stable"
            case missingBefore = "missing_before"
            case outOfRange = "out_of_range"
        }
    }

    public struct Window: Codable, Sendable, Equatable {
        /// 5m, 1h or 24h.
        public var window: String
        public var rows: UInt64
        public var level: String
        public var variables: [Variable]

        public init(window: String, rows: UInt64, level: String, variables: [Variable]) {
            (self.window, self.rows, self.level, self.variables) = (window, rows, level, variables)
        }
    }

    public var model: String
    public var version: String
    public var windows: [Window]

    public init(model: String, version: String, windows: [Window]) {
        (self.model, self.version, self.windows) = (model, version, windows)
    }
}

/// A change of level, for those who watch `/events`.
public struct DriftEventDocument: Codable, Sendable, Equatable {
    public var model: String
    public var version: String
    public var variable: String
    public var window: String
    public var from: String
    public var to: String
    public var psi: Double

    public init(
        model: String, version: String, variable: String, window: String, from: String, to: String, psi: Double
    ) {
        (self.model, self.version, self.variable, self.window) = (model, version, variable, window)
        (self.from, self.to, self.psi) = (from, to, psi)
    }
}
