// Arrays of numbers straight from the text, without a tape: see CDecimal.
//
// Nil is no verdict on the text: whoever gets it parses the document and is told what is wrong.

internal import CDecimal

public enum JSONNumbers {
    /// Readable bytes that must stand in front of the text; behind its end as many as `JSONParser.padding`.
    public static let margin = Int(SERIN_DECIMAL_MARGIN)

    /// Reads exactly `count` numbers or nulls (NaN) that stand behind a `[`; the place behind the `]`.
    public static func read(
        _ text: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>, into values: UnsafeMutablePointer<Float>, count: Int
    ) -> UnsafePointer<UInt8>? {
        place(serin_decimal_read_floats(characters(text), characters(end), values, count))
    }

    /// Reads exactly `count` numbers or nulls (NaN) that stand behind a `[`; the place behind the `]`.
    public static func read(
        _ text: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>, into values: UnsafeMutablePointer<Double>, count: Int
    ) -> UnsafePointer<UInt8>? {
        place(serin_decimal_read_doubles(characters(text), characters(end), values, count))
    }

    // SAFETY: bytes are characters, and a pointer to one is a pointer to the other.
    private static func characters(_ text: UnsafePointer<UInt8>) -> UnsafePointer<CChar> {
        UnsafeRawPointer(text).assumingMemoryBound(to: CChar.self)
    }

    private static func place(_ text: UnsafePointer<CChar>?) -> UnsafePointer<UInt8>? {
        text.map { UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self) }
    }
}
