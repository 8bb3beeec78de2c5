// The keys of prediction ids. The newest makes ids; the older ones still read theirs, until the last of those has expired.

internal import Primitives

public struct PredictionKey: Sendable, Equatable {
    /// As an id names it.
    public let number: UInt8
    let hash: SipHash

    /// `bytes`: 16.
    public init?(number: UInt8, bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        func half(_ first: Int) -> UInt64 {
            bytes[first..<first + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.number = number
        hash = SipHash(half(0), half(8))
    }
}

public struct PredictionKeys: Sendable, Equatable {
    /// The oldest first.
    public let keys: [PredictionKey]

    public init(_ keys: [PredictionKey]) { self.keys = keys }

    public var newest: PredictionKey? { keys.last }

    subscript(number: UInt8) -> PredictionKey? { keys.last { $0.number == number } }
}
