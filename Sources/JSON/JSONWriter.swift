// Writes numbers and strings as JSON, into memory that the caller has reserved.
//
// Floats get the shortest digits that read back as the same value (std::to_chars), with `.0` where
// they would look like an integer, so that a typed client reads a float every time.

internal import CSimdjson

public enum JSONWriter {
    /// Room that one number may need, in bytes.
    public static let numberBytesMax = 32
    /// Room that one byte of a string may need, in bytes; two more for the quotes.
    public static let escapedBytesMax = 6

    /// Writes a float; `null` where it is not finite. Returns how many bytes.
    public static func write(_ value: Float, to out: UnsafeMutableRawPointer) -> Int {
        guard value.isFinite else { return writeNull(out) }
        let text = out.assumingMemoryBound(to: CChar.self)
        return point(text, count: serin_json_write_float(text, value))
    }

    /// Writes a double; `null` where it is not finite. Returns how many bytes.
    public static func write(_ value: Double, to out: UnsafeMutableRawPointer) -> Int {
        guard value.isFinite else { return writeNull(out) }
        let text = out.assumingMemoryBound(to: CChar.self)
        return point(text, count: serin_json_write_double(text, value))
    }

    /// Writes an integer. Returns how many bytes.
    public static func write(_ value: Int, to out: UnsafeMutableRawPointer) -> Int {
        let text = out.assumingMemoryBound(to: UInt8.self)
        var rest = value.magnitude
        var digits = 1
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        let count = digits + (value < 0 ? 1 : 0)
        text[0] = UInt8(ascii: "-")
        rest = value.magnitude
        for place in stride(from: count - 1, to: count - digits - 1, by: -1) {
            text[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        return count
    }

    /// Writes valid UTF-8 as a string in quotes. Returns how many bytes, at most
    /// `escapedBytesMax` × count + 2.
    public static func write(string bytes: UnsafeRawBufferPointer, to out: UnsafeMutableRawPointer) -> Int {
        let text = out.assumingMemoryBound(to: UInt8.self)
        text[0] = UInt8(ascii: "\"")
        var count = 1
        for byte in bytes {
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                text[count] = byte
                count += 1
            } else {
                count += escape(byte, to: text + count)
            }
        }
        text[count] = UInt8(ascii: "\"")
        return count + 1
    }

    private static func writeNull(_ out: UnsafeMutableRawPointer) -> Int {
        out.storeBytes(of: UInt32(littleEndian: 0x6c6c_756e), as: UInt32.self)
        return 4
    }

    /// Appends `.0` to digits alone.
    private static func point(_ text: UnsafeMutablePointer<CChar>, count: Int) -> Int {
        for index in 0..<count where text[index] == 0x2e || text[index] == 0x65 { return count }
        text[count] = 0x2e
        text[count + 1] = 0x30
        return count + 2
    }

    private static func escape(_ byte: UInt8, to out: UnsafeMutablePointer<UInt8>) -> Int {
        let short: UInt8
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): short = byte
        case 0x08: short = UInt8(ascii: "b")
        case 0x09: short = UInt8(ascii: "t")
        case 0x0a: short = UInt8(ascii: "n")
        case 0x0c: short = UInt8(ascii: "f")
        case 0x0d: short = UInt8(ascii: "r")
        default: short = UInt8(ascii: "u")
        }
        out[0] = UInt8(ascii: "\\")
        out[1] = short
        guard short == UInt8(ascii: "u") else { return 2 }
        out[2] = UInt8(ascii: "0")
        out[3] = UInt8(ascii: "0")
        out[4] = UInt8(ascii: "0") + byte >> 4
        let low = byte & 15
        out[5] = low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10
        return 6
    }
}
