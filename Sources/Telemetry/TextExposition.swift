// The lexical rules of the Prometheus text format 0.0.4 and of OpenMetrics: names, escapes, numbers.

enum TextExposition {
    static func isMetricName(_ name: String) -> Bool {
        isName(name) { isLetter($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ":") }
    }

    static func isLabelName(_ name: String) -> Bool {
        isName(name) { isLetter($0) || $0 == UInt8(ascii: "_") }
    }

    private static func isName(_ name: String, _ opens: (UInt8) -> Bool) -> Bool {
        guard let first = name.utf8.first, opens(first) else { return false }
        return name.utf8.allSatisfy { opens($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// `a="x",b="y"`, without braces.
    static func labels(_ labels: [(String, String)]) -> String {
        labels.map { "\($0.0)=\"\(escapedLabelValue($0.1))\"" }.joined(separator: ",")
    }

    static func escapedLabelValue(_ value: String) -> String { escaped(value, quotes: true) }

    /// `quotes`: OpenMetrics escapes them here too.
    static func escapedHelp(_ help: String, quotes: Bool) -> String { escaped(help, quotes: quotes) }

    /// Backslash, line feed and, in label values, the double quote.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// An edge as OpenMetrics writes it: whole numbers with a point.
    static func edge(_ value: Double) -> String { value.isInfinite ? number(value) : value.description }

    /// The shortest digits that round-trip; whole numbers without a point; `+Inf`, `-Inf`, `NaN`.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        let digits = value.description
        return digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits
    }
}
