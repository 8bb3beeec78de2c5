// CatBoost's key of one category and some answers, undone.
//
//     key = F × (… F × (F × F × hash + F × answer 1) … + F × answer n)      F odd, modulo 2^64
//
// F has an inverse, so for each choice of answers exactly one number in place of the hash gives the key,
// and it is a hash where it is a sign-extended number of 32 bits: nearly always for one choice only.

enum CounterKeys {
    private static let factor: UInt64 = 0x4906_ba49_4954_cb65

    /// Newton's iteration doubles the right bits.
    private static let inverse: UInt64 = {
        var inverse = factor
        for _ in 0..<6 { inverse = inverse &* (2 &- factor &* inverse) }
        return inverse
    }()

    /// All pairs of a hash and `count` answers (the first in the lowest bit) that have the key.
    static func pairs(of key: UInt64, answers count: Int) -> [(hash: UInt32, answers: Int)] {
        var pairs: [(hash: UInt32, answers: Int)] = []
        for answers in 0..<1 << count {
            var rest = key
            for place in (0..<count).reversed() {
                rest = inverse &* rest &- factor &* UInt64(answers >> place & 1)
            }
            let element = Int64(bitPattern: inverse &* (inverse &* rest))
            if let hash = Int32(exactly: element) { pairs.append((UInt32(bitPattern: hash), answers)) }
        }
        return pairs
    }
}
