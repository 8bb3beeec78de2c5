// CatBoost's own exponential, bit for bit: what its softmax and its exponential scores are made of.
//
//     x × 2048 / ln 2 = n + rest        n whole, by adding and taking away 3 × 2^51
//     exp(x) ≈ 2^(n div 2048) × 2^((n mod 2048) / 2048) × cubic(rest)
//
// It is within 4 units in the last place of the exact value, so an answer by the C library's exp
// differs from CatBoost's in up to 8 of them, and a bundle with the trainer's own scores would not
// pass.  The scheme and its constants are Mitsunari's (fmath, `expd`), which CatBoost runs wherever
// the processor has AVX2.  Arguments are held within the range of normal numbers, as there.

internal import Glibc

enum FastExponential {
    private static let steps = 2048.0
    private static let lowest = -708.39641853226408
    private static let highest = 709.78271289338397
    /// Adding it leaves the whole part of a number in the low bits.
    private static let wholePart = 0x1.8p+52
    private static let square = 3.0000000027955394
    private static let cubic = 0.16666666685227835064

    static func value(_ x: Double) -> Double {
        guard !x.isNaN else { return x }
        let bounded = max(min(x, highest), lowest)
        let factor = steps / Glibc.log(2.0)
        let whole = (bounded * factor + wholePart) - wholePart
        let rest = whole * (1 / factor) - bounded
        let fraction = Int(whole) & (Int(steps) - 1)
        let power = scalbn(exp2(Double(fraction) / steps), (Int(whole) - fraction) / Int(steps))
        return ((square - rest) * (rest * rest) * cubic - rest + 1) * power
    }
}
