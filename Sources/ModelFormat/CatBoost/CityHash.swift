// CityHash64, version 1.0: the hash behind CatBoost's categories.
//
//     0…16 bytes    two overlapping words, mixed
//     17…32         four overlapping words, mixed
//     33…64         two halves of 32 bytes, mixed with each other
//     longer        56 bytes of state over blocks of 64; the last 64 bytes go in first
//
// The algorithm is Pike's and Alakuijala's (Google, 2011, MIT licence; later versions hash other
// values).  CatBoost keeps the low 32 bits, and a model file holds them, so every bit must be right:
// the tests compare with the library over all lengths to 200.

enum CityHash {
    private static let k0: UInt64 = 0xc3a5_c85c_97cb_3127
    private static let k1: UInt64 = 0xb492_b66f_be98_f273
    private static let k2: UInt64 = 0x9ae1_6a3b_2f90_404f
    private static let k3: UInt64 = 0xc949_d7c7_509e_6557

    static func hash64(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        switch bytes.count {
        case 0...16: short(bytes)
        case 17...32: medium(bytes)
        case 33...64: long(bytes)
        default: blocks(bytes)
        }
    }

    // MARK: Mixing

    private static func word(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }

    private static func halfWord(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> UInt64 {
        UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
    }

    /// `shift` is 1 to 63.
    private static func rotate(_ value: UInt64, _ shift: UInt64) -> UInt64 {
        value &>> shift | value &<< (64 &- shift)
    }

    private static func fold(_ value: UInt64) -> UInt64 { value ^ value &>> 47 }

    /// Two words into one, Murmur's way.
    private static func mix(_ low: UInt64, _ high: UInt64) -> UInt64 {
        let factor: UInt64 = 0x9ddf_ea08_eb38_2d69
        let first = fold((low ^ high) &* factor)
        return fold((high ^ first) &* factor) &* factor
    }

    // MARK: By length

    private static func short(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let count = bytes.count
        let length = UInt64(count)
        if count > 8 {
            let last = word(bytes, count - 8)
            return mix(word(bytes, 0), rotate(last &+ length, length)) ^ last
        }
        if count >= 4 { return mix(length &+ halfWord(bytes, 0) &<< 3, halfWord(bytes, count - 4)) }
        guard count > 0 else { return k2 }
        let front = UInt32(bytes[0]) + UInt32(bytes[count / 2]) << 8
        let back = UInt32(count) + UInt32(bytes[count - 1]) << 2
        return fold(UInt64(front) &* k2 ^ UInt64(back) &* k3) &* k2
    }

    private static func medium(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let count = bytes.count
        let a = word(bytes, 0) &* k1
        let b = word(bytes, 8)
        let c = word(bytes, count - 8) &* k2
        let d = word(bytes, count - 16) &* k0
        return mix(
            rotate(a &- b, 43) &+ rotate(c, 30) &+ d, a &+ rotate(b ^ k3, 20) &- c &+ UInt64(count))
    }

    private static func long(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let count = bytes.count
        let seed = (UInt64(count) &+ word(bytes, count - 16)) &* k0
        let front = half(bytes, 0, word(bytes, 0) &+ seed, word(bytes, 24))
        let start = word(bytes, 16) &+ word(bytes, count - 32)
        let back = half(bytes, count - 32, start, word(bytes, count - 8))
        let sum = fold((front.0 &+ back.1) &* k2 &+ (back.0 &+ front.1) &* k0)
        return fold(sum &* k0 &+ front.1) &* k2
    }

    /// 32 bytes from `place` into two words; their first word is in `start`, their last one is `end`.
    private static func half(
        _ bytes: UnsafeRawBufferPointer, _ place: Int, _ start: UInt64, _ end: UInt64
    ) -> (UInt64, UInt64) {
        let second = start &+ word(bytes, place + 8)
        let third = second &+ word(bytes, place + 16)
        let tail = rotate(start &+ end, 52) &+ rotate(third, 31) &+ rotate(start, 37) &+ rotate(second, 7)
        return (third &+ end, tail)
    }

    // MARK: Blocks of 64 bytes

    /// 32 bytes from `place` into two words, over the seeds `a` and `b`.
    private static func weak(_ bytes: UnsafeRawBufferPointer, _ place: Int, _ a: UInt64, _ b: UInt64) -> (
        UInt64, UInt64
    ) {
        let first = a &+ word(bytes, place)
        let last = word(bytes, place + 24)
        let turned = rotate(b &+ first &+ last, 21)
        let sum = first &+ word(bytes, place + 8) &+ word(bytes, place + 16)
        return (sum &+ last, turned &+ rotate(sum, 44) &+ first)
    }

    private static func blocks(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let count = bytes.count
        let length = UInt64(count)
        var x = word(bytes, 0)
        var y = word(bytes, count - 16) ^ k1
        var z = word(bytes, count - 56) ^ k0
        var v = weak(bytes, count - 64, length, y)
        var w = weak(bytes, count - 32, length &* k1, k0)
        z = z &+ fold(v.1) &* k1
        x = rotate(z &+ x, 39) &* k1
        y = rotate(y, 33) &* k1
        for place in stride(from: 0, to: (count - 1) & ~63, by: 64) {
            x = rotate(x &+ y &+ v.0 &+ word(bytes, place + 16), 37) &* k1
            y = rotate(y &+ v.1 &+ word(bytes, place + 48), 42) &* k1
            x ^= w.1
            y ^= v.0
            z = rotate(z ^ w.0, 33)
            v = weak(bytes, place, v.1 &* k1, x &+ w.0)
            w = weak(bytes, place + 32, z &+ w.1, y)
            swap(&x, &z)
        }
        return mix(mix(v.0, w.0) &+ fold(y) &* k1 &+ z, mix(v.1, w.1) &+ x)
    }
}
