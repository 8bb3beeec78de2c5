// Random numbers that are the same everywhere for the same seed: xoshiro256** (Blackman and Vigna), seeded by SplitMix64.

internal import Glibc

struct RandomSource: RandomNumberGenerator {
    private var state: SIMD4<UInt64>

    /// A stream of its own for each (seed, stream).
    init(seed: UInt64, stream: UInt64) {
        var mix = seed &* 0x9e37_79b9_7f4a_7c15 ^ (stream &+ 1) &* 0xd1b5_4a32_d192_ed03
        state = SIMD4()
        for lane in 0..<4 {
            mix &+= 0x9e37_79b9_7f4a_7c15
            state[lane] = Self.mixed(mix)
        }
    }

    /// SplitMix64's finalizer: also the hash of a simulated key.
    static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    @inline(__always)
    mutating func next() -> UInt64 {
        var (s0, s1, s2, s3) = (state[0], state[1], state[2], state[3])
        let product = s1 &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= shifted
        s3 = s3 << 45 | s3 >> 19
        state = SIMD4(s0, s1, s2, s3)
        return result
    }

    /// From 0 to below 1, in steps of 2^-53.
    @inline(__always)
    mutating func unit() -> Double { Self.unit(next()) }

    @inline(__always)
    static func unit(_ bits: UInt64) -> Double { Double(bits >> 11) * 0x1p-53 }

    /// Two numbers of 32 bits each from 0 to below 1.
    @inline(__always)
    mutating func units() -> (Double, Double) {
        let bits = next()
        return (Double(bits >> 32) * 0x1p-32, Double(bits & 0xffff_ffff) * 0x1p-32)
    }

    /// Poisson: Knuth's product below 30, the sum of two halves above.
    mutating func poisson(_ mean: Double) -> Int {
        if mean > 30 { return poisson(mean / 2) + poisson(mean / 2) }
        if mean <= 0 { return 0 }
        let limit = exp(-mean)
        var product = unit()
        var count = 0
        while product > limit {
            product *= unit()
            count += 1
        }
        return count
    }
}
