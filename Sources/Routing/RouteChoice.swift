// What the table says about a request.

/// The version that answers a request, and why.
public struct Routed: Equatable, Sendable {
    /// The gateway's index of the version.
    public var index: Int
    public var arm: Arm
    /// The place of the model in the table.
    public var model: Int
    /// The keyed hash of the sticky key; 0 where `isSticky` is false.
    public var key: UInt64
    /// The arm follows from the key, not from a draw.
    public var isSticky: Bool

    @inlinable
    public init(index: Int, arm: Arm, model: Int, key: UInt64 = 0, isSticky: Bool = false) {
        self.index = index
        self.arm = arm
        self.model = model
        self.key = key
        self.isSticky = isSticky
    }
}

public enum RouteChoice: Equatable, Sendable {
    case version(Routed)
    /// A feature decides: parse the rows as the version at `index` does, then ask `choose(model:row:…)`.
    case afterParsing(model: Int, index: Int)
    case unknownModel
    case unknownVersion
    case unknownLabel
    /// The model is known and no version of it is ready.
    case notReady
}

/// The same for those who only look: metadata, status.
public enum RouteDecision: Equatable, Sendable {
    case version(index: Int, arm: Arm)
    case unknownModel
    case unknownVersion
    /// The model is known and no version of it is ready.
    case notReady
}
