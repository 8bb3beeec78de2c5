// From a category to CatBoost's 32 bits, and from several of them to a counter's key.
//
//     "DE" ──CityHash64──► low 32 bits ─┐
//     17 ──► "17" ──────► low 32 bits ──┴─ combined ─► 64-bit key of a counter's table
//
// CatBoost knows categories as strings only: its Python package writes an integer as decimal digits
// and refuses fractions and NaN.  So Serin's code of a category stands for the name that the
// manifest lists in its place, and a code beyond the list for its own decimal digits.

enum CategoryHash {
    /// What a missing category is hashed as: how Python and pandas spell it once it is a string.
    static let missing = hash("nan")

    /// Codes below it are looked up among the hashes of decimal numbers.
    static let decimalCount = 65_536
    /// The hashes of "0", "1", … "65535".
    static let decimals: [UInt32] = (0..<Int64(decimalCount)).map { hash(decimal: $0) }

    static func hash(_ name: String) -> UInt32 {
        var name = name
        return name.withUTF8 { UInt32(truncatingIfNeeded: CityHash.hash64(UnsafeRawBufferPointer($0))) }
    }

    static func hash(decimal code: Int64) -> UInt32 {
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 8) { digits in
            var start = digits.count
            var rest = code.magnitude
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            if code < 0 {
                start -= 1
                digits[start] = UInt8(ascii: "-")
            }
            return UInt32(truncatingIfNeeded: CityHash.hash64(UnsafeRawBufferPointer(rebasing: digits[start...])))
        }
    }

    /// The hash of a row's value: a fraction is cut, codes within `listed` have their hash there.
    static func hash(of value: Double, listed: [UInt32]) -> UInt32 {
        if value.isNaN { return missing }
        let code = value.rounded(.towardZero)
        guard code.magnitude < 0x1p63 else { return hash(value < 0 ? "-inf" : "inf") }
        let whole = Int64(code)
        return whole >= 0 && whole < listed.count ? listed[Int(whole)] : hash(decimal: whole)
    }

    /// One step of the key of a combination, from 0 on: CatBoost's `CalcHash`.
    static func combine(_ key: UInt64, _ element: UInt64) -> UInt64 {
        let factor: UInt64 = 0x4906_ba49_4954_cb65
        return factor &* (key &+ factor &* element)
    }

    /// A category's part of a key: its 32 bits as a signed number.
    static func element(_ hash: UInt32) -> UInt64 { UInt64(bitPattern: Int64(Int32(bitPattern: hash))) }
}
