// What triggers look at: everything that is known of the version that serves, at one moment.

public import Configuration

/// A figure of a version, and from how many labels it comes.
public struct NamedFigure: Sendable, Equatable {
    public var name: String
    public var value: Double
    public var samples: UInt64

    public init(_ name: String, _ value: Double, samples: UInt64) {
        (self.name, self.value, self.samples) = (name, value, samples)
    }
}

/// Requests of a window, and how many of them were refused for what was in them.
public struct RefusalCount: Sendable, Equatable {
    public var refused: UInt64
    public var all: UInt64

    public init(refused: UInt64, all: UInt64) { (self.refused, self.all) = (refused, all) }
}

public struct TriggerFacts: Sendable {
    public var version: String
    /// Empty: the version's drift is not watched.
    public var drift: [DriftReport] = []
    public var refusals: [DriftWindow: RefusalCount] = [:]
    /// What labels say, of the windows that somebody asks for.
    public var labels: [TriggerConfiguration.LabelWindow: LabelFacts] = [:]

    public init(version: String) { self.version = version }

    func report(_ window: TriggerConfiguration.Window) -> DriftReport? {
        drift.first { $0.window.rawValue == window.rawValue }
    }

    func refusals(_ window: TriggerConfiguration.Window) -> RefusalCount {
        refusals.first { $0.key.rawValue == window.rawValue }?.value ?? RefusalCount(refused: 0, all: 0)
    }
}
