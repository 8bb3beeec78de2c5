// SplitMix64 (Steele, Lea, Flood 2014): 64 random bits for an addition and two multiplications.
//
// For draws that nobody gains by predicting, such as which version answers a request. A generator belongs to one
// thread; a seed makes its draws repeatable, for tests and the simulator.

public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    /// Seeded by the kernel.
    public init() { state = UInt64.random(in: UInt64.min...UInt64.max) }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word &>> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word &>> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word &>> 31)
    }
}
