// Lines of delimited text and numbers that people wrote: see CDecimal.

internal import CDecimal

public enum TextFields {
    /// Reads a line's fields in one walk; returns how many there are, `columns.count + 1` where there are more.
    ///
    /// `columns[i]`: where field i's number goes in `values`; negative: nowhere. An empty field is NaN. `stops[i]`: where
    /// field i ends, from the line's beginning. `odd`: the fields, `oddCount` of them, that were asked for and are neither
    /// empty nor plain numbers. A byte behind the line must be readable and no digit.
    public static func read(
        _ line: UnsafeRawBufferPointer, delimiter: UInt8, columns: UnsafeBufferPointer<Int32>,
        into values: UnsafeMutablePointer<Double>, stops: UnsafeMutablePointer<UInt32>,
        odd: UnsafeMutablePointer<UInt32>, oddCount: inout Int
    ) -> Int {
        guard let start = line.baseAddress?.assumingMemoryBound(to: CChar.self) else { return 0 }
        return serin_decimal_read_fields(
            start, start + line.count, CChar(bitPattern: delimiter), columns.baseAddress, columns.count, values, stops,
            odd, &oddCount)
    }

    /// A number with a sign, a point anywhere, an exponent; nil: it is none, or not finite.
    public static func number(_ text: UnsafeRawBufferPointer) -> Double? {
        guard let start = text.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
        var value = 0.0
        return serin_decimal_read_text(start, start + text.count, &value) != 0 ? value : nil
    }
}
