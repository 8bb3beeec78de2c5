// Bytes as letters, digits, `-` and `_` (RFC 4648, 5), without padding: an id that any header, path and JSON may hold.

internal import CKernels

enum Base64URL {
    /// Readable behind the bytes that are written, and writable behind their text.
    static let margin = Int(SERIN_BASE64URL_MARGIN)

    /// What so many bytes take as text.
    static func textBytes(_ count: Int) -> Int { (count * 4 + 2) / 3 }

    /// Writes the text of some bytes; returns how long it is. Both have a margin.
    @inline(__always)
    static func write(_ bytes: UnsafeRawPointer, _ count: Int, to out: UnsafeMutableRawPointer) -> Int {
        serin_base64url(
            bytes.assumingMemoryBound(to: UInt8.self), count, out.assumingMemoryBound(to: UInt8.self))
    }

    /// nil: another letter, a length that no bytes have, or bits behind the last byte: each text is that of other bytes.
    static func read(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var (held, bits) = (0, 0)
        for letter in text {
            guard let value = value(letter) else { return nil }
            held = held << 6 | value
            bits += 6
            if bits < 8 { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: held >> bits))
            held &= (1 << bits) - 1
        }
        return held == 0 ? bytes : nil
    }

    private static func value(_ letter: UInt8) -> Int? {
        switch letter {
        case 0x41...0x5a: Int(letter) - 0x41
        case 0x61...0x7a: Int(letter) - 0x61 + 26
        case 0x30...0x39: Int(letter) - 0x30 + 52
        case 0x2d: 62
        case 0x5f: 63
        default: nil
        }
    }
}
