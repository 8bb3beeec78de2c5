// Numbers from text, in the spellings that configurations use and no others: no hexadecimal, no
// underscores, no `+`, no infinity.

public enum ScalarText {
    /// `-?digits` without a leading zero; nil: something else, or beyond 64 bits.
    public static func integer(_ text: String) -> Int? {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard isDecimal(digits.utf8), digits.utf8.first != UInt8(ascii: "0") || digits.utf8.count == 1 else {
            return nil
        }
        return Int(text)
    }

    /// A finite decimal number, as JSON writes it; nil: something else.
    public static func number(_ text: String) -> Double? {
        var rest = text.utf8[...]
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        guard let first = rest.first, first >= 0x30, first <= 0x39 else { return nil }
        let allowed = rest.allSatisfy { byte in
            (byte >= 0x30 && byte <= 0x39)
                || [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), 0x2b, 0x2d].contains(byte)
        }
        guard allowed, let value = Double(text), value.isFinite else { return nil }
        return value
    }

    private static func isDecimal(_ bytes: Substring.UTF8View) -> Bool {
        !bytes.isEmpty && bytes.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }
}
