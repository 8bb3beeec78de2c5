// Which octets the parts of a request may have.

/// A set of octets below 128: a bit for each.
struct HTTPOctets {
    private let low: UInt64
    private let high: UInt64

    /// Whether there are some, all in the set.
    func hold(_ text: UnsafeRawBufferPointer) -> Bool {
        var isIn: UInt64 = text.isEmpty ? 0 : 1
        for octet in text {
            let half = octet < 64 ? low : high
            isIn &= (half >> UInt64(octet & 63)) & (octet < 128 ? 1 : 0)
        }
        return isIn == 1
    }

    /// A field's name: mostly small letters and dashes, which are seen eight at a time.
    @inline(__always)
    static func isName(_ text: UnsafeRawBufferPointer) -> Bool { isPlain(text, upTo: 0x39) || name.hold(text) }

    @inline(__always)
    static func isAuthority(_ text: UnsafeRawBufferPointer) -> Bool {
        isPlain(text, upTo: 0x3a) || authority.hold(text)
    }

    /// Whether there are at least eight octets, all of them small letters, or from `-` to `top` and no slash.
    @inline(__always)
    private static func isPlain(_ text: UnsafeRawBufferPointer, upTo top: UInt8) -> Bool {
        guard text.count >= 8, let base = text.baseAddress else { return false }
        var others: UInt64 = 0
        var place = 0
        while true {
            let octets = base.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            let low = octets & (ones &* 0x7f)
            // The upper bit of each octet, where it is in the range; no sum carries into the next.
            let isLetter = (low &+ ones &* (0x80 - 0x61)) & ~(low &+ ones &* (0x7f - 0x7a))
            let isOther = (low &+ ones &* (0x80 - 0x2d)) & ~(low &+ ones &* (0x7f - UInt64(top)))
            let isSlash = ~((low ^ ones &* 0x2f) &+ ones &* 0x7f)
            others |= octets | ~(isLetter | isOther) | isSlash
            if place == text.count - 8 { return others & (ones << 7) == 0 }
            place = min(place + 8, text.count - 8)
        }
    }

    private static var ones: UInt64 { 0x0101_0101_0101_0101 }

    /// RFC 9110's `tchar` without capitals: a field's name.
    static var name: Self { Self(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c000_0000) }
    /// `tchar`.
    static var method: Self { Self(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe) }
    static var letters: Self { Self(low: 0, high: 0x07ff_fffe_07ff_fffe) }
    static var digits: Self { Self(low: 0x03ff_0000_0000_0000, high: 0) }
    /// Letters, digits and `+-.` (RFC 3986, 3.1).
    static var scheme: Self { Self(low: 0x03ff_6800_0000_0000, high: 0x07ff_fffe_07ff_fffe) }
    /// Letters, digits and `-._~!$&'()*+,;=:@[]%` (RFC 3986, 3.2).
    static var authority: Self { Self(low: 0x2fff_7ff2_0000_0000, high: 0x47ff_fffe_afff_ffff) }

    /// Visible octets, and those above 127.
    static func isPath(_ text: UnsafeRawBufferPointer) -> Bool {
        !text.isEmpty && !mayHold(below: 0x21, text)
    }

    /// RFC 9110, 5.5: no control octet but a tab, and neither tab nor space at an end.
    static func isValue(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let first = text.first, let last = text.last else { return true }
        if isBlank(first) || isBlank(last) { return false }
        if !mayHold(below: 0x20, text) { return true }
        return text.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 9 }
    }

    private static func isBlank(_ octet: UInt8) -> Bool { octet == 0x20 || octet == 9 }

    /// Whether an octet is below `least`, or DEL; eight at a time, the last of them again where they do not come out even.
    @inline(__always)
    private static func mayHold(below least: UInt8, _ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count >= 8, let base = text.baseAddress else {
            for octet in text where octet < least || octet == 0x7f { return true }
            return false
        }
        // "Determine if a word has a byte less than n", Anderson, Bit Twiddling Hacks; exact for n up to 128.
        var found: UInt64 = 0
        var place = 0
        while true {
            let octets = base.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            let beside = octets ^ (ones &* 0x7f)
            found |= (octets &- ones &* UInt64(least)) & ~octets | (beside &- ones) & ~beside
            if place == text.count - 8 { return found & (ones << 7) != 0 }
            place = min(place + 8, text.count - 8)
        }
    }
}
