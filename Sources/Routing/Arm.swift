// Why a version was chosen: what the `serin-arm` header says.

public struct Arm: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The model's stable version.
    public static let stable = Arm(rawValue: 0)
    public static let canary = Arm(rawValue: 1)
    /// The client named the version in a header field.
    public static let override = Arm(rawValue: 2)
    public static let segment = Arm(rawValue: 3)
    /// The request's path named the version, or a label of it.
    public static let pinned = Arm(rawValue: 4)

    /// Arms whose names the gateway gives.
    public static let fixedCount = 5
    /// Arms that a route may name itself.
    public static let namedMax = 8

    /// The arm at `index` of the route's own list.
    public static func named(_ index: Int) -> Arm { Arm(rawValue: UInt8(fixedCount + index)) }

    /// Its place in the route's own list; nil: a fixed arm.
    public var namedIndex: Int? { rawValue < Self.fixedCount ? nil : Int(rawValue) - Self.fixedCount }

    /// A fixed arm's name.
    public var text: StaticString {
        switch rawValue {
        case 0: "stable"
        case 1: "canary"
        case 2: "override"
        case 3: "segment"
        case 4: "pinned"
        default: "arm"
        }
    }
}
