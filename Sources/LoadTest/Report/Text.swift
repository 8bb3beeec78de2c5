// Numbers as people read them.

internal import Glibc

enum Text {
    /// Three significant digits: `431 us`, `1.27 ms`, `2.50 s`.
    static func time(_ nanos: Double) -> String {
        guard nanos.isFinite else { return "-" }
        let units = [(1e9, "s"), (1e6, "ms"), (1e3, "us")]
        let unit = units.first { nanos >= $0.0 * 0.9995 } ?? (1, "ns")
        return "\(digits(nanos / unit.0)) \(unit.1)"
    }

    static func percent(_ share: Double) -> String {
        share == 0 ? "0 %" : share < 0.0001 ? "\(decimal(share * 100, 4)) %" : "\(number(share * 100, places: 2)) %"
    }

    /// As short as it can be, with at most four places.
    static func number(_ value: Double, places: Int = 4) -> String {
        guard value.isFinite else { return "-" }
        var text = decimal(value, places)
        while text.contains("."), text.hasSuffix("0") || text.hasSuffix(".") {
            if text.removeLast() == "." { break }
        }
        return text
    }

    /// `12,345`.
    static func count(_ value: Int) -> String {
        var text = ""
        for (index, digit) in String(value.magnitude).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + String(text.reversed())
    }

    static func rate(_ value: Double) -> String { count(Int(value.rounded())) + "/s" }

    static func ratio(_ value: Double) -> String { "\(decimal(value, 3)) x" }

    private static func digits(_ value: Double) -> String {
        decimal(value, value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)
    }

    static func decimal(_ value: Double, _ places: Int) -> String {
        let factor = pow(10, Double(places))
        guard value.isFinite, abs(value) * factor < 9e18 else { return "\(value)" }
        let scaled = Int64((abs(value) * factor).rounded())
        let (whole, rest) = scaled.quotientAndRemainder(dividingBy: Int64(factor))
        let sign = value < 0 && scaled != 0 ? "-" : ""
        if places == 0 { return "\(sign)\(whole)" }
        let tail = String(rest)
        return "\(sign)\(whole)." + String(repeating: "0", count: places - tail.count) + tail
    }
}
