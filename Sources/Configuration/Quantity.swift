// Durations and sizes as people write them: a whole number and a unit, nothing else.
//
//     10ms   5s   1h          16KiB   1MiB   512B
//
// A number without a unit is refused: 10 of what?  Fractions and sums (1h30m) are refused too, so
// every value has few spellings.

/// A unit's name and how many of the smallest unit it is.
struct Unit {
    let name: String
    let factor: UInt64
}

public enum Quantity {
    static let durationUnits = [
        Unit(name: "ns", factor: 1), Unit(name: "us", factor: 1000), Unit(name: "ms", factor: 1_000_000),
        Unit(name: "s", factor: 1_000_000_000), Unit(name: "m", factor: 60_000_000_000),
        Unit(name: "h", factor: 3_600_000_000_000),
    ]
    static let sizeUnits = [
        Unit(name: "B", factor: 1), Unit(name: "KiB", factor: 1 << 10), Unit(name: "MiB", factor: 1 << 20),
        Unit(name: "GiB", factor: 1 << 30),
    ]

    /// What a message says was expected.
    public static let durationExpectation = "a duration such as 10ms, 5s or 1h (units ns, us, ms, s, m, h)"
    public static let sizeExpectation = "a size such as 64KiB or 1MiB (units B, KiB, MiB, GiB)"

    /// Nanoseconds of `10ms`; nil: not a duration.
    public static func nanos(_ text: String) -> UInt64? { parse(text, units: durationUnits) }

    /// Bytes of `64KiB`; nil: not a size.
    public static func bytes(_ text: String) -> Int? {
        parse(text, units: sizeUnits).flatMap { Int(exactly: $0) }
    }

    /// The shortest spelling: 5000000000 is `5s`.
    public static func duration(nanos: UInt64) -> String { spell(nanos, units: durationUnits, zero: "0s") }

    /// The shortest spelling: 1048576 is `1MiB`.
    public static func size(bytes: Int) -> String { spell(UInt64(bytes), units: sizeUnits, zero: "0B") }

    private static func parse(_ text: String, units: [Unit]) -> UInt64? {
        let digits = text.utf8.prefix { $0 >= 0x30 && $0 <= 0x39 }
        guard !digits.isEmpty, digits.count <= 19, let count = UInt64(Substring(digits)) else { return nil }
        let name = String(text.dropFirst(digits.count))
        guard let unit = units.first(where: { $0.name == name }) else { return nil }
        let (value, overflow) = count.multipliedReportingOverflow(by: unit.factor)
        return overflow ? nil : value
    }

    private static func spell(_ value: UInt64, units: [Unit], zero: String) -> String {
        guard value > 0, let unit = units.last(where: { value % $0.factor == 0 }) else { return zero }
        return "\(value / unit.factor)\(unit.name)"
    }
}
