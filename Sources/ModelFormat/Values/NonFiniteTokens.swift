// NaN, Infinity and -Infinity as XGBoost writes them into JSON, which has no such numbers.
//
//     [1.5,NaN,-Infinity]  ──►  [1.5,"NaN","-Infinity"]
//
// A gain or a weight that overflowed in training stands in the file like that, where no score depends
// on it.  The tokens become strings, which `ModelField.floats` takes for what they say; whoever needs a
// finite number there refuses it with the place.

enum NonFiniteTokens {
    private static let tokens = ["NaN", "Infinity", "-Infinity"].map { Array($0.utf8) }

    /// The number that a token stands for.
    static func number(_ text: String) -> Double? {
        switch text {
        case "NaN": .nan
        case "Infinity": .infinity
        case "-Infinity": -.infinity
        default: nil
        }
    }

    /// The text with its tokens as strings; nil: it has none outside strings.
    static func quoted(_ text: [UInt8]) -> [UInt8]? {
        var quoted: [UInt8] = []
        var (copied, position, inString) = (0, 0, false)
        while position < text.count {
            let byte = text[position]
            if inString {
                if byte == UInt8(ascii: "\\") { position += 1 }
                if byte == UInt8(ascii: "\"") { inString = false }
            } else if byte == UInt8(ascii: "\"") {
                inString = true
            } else if let token = tokens.first(where: { text[position...].starts(with: $0) }) {
                quoted += text[copied..<position] + [UInt8(ascii: "\"")] + token + [UInt8(ascii: "\"")]
                position += token.count
                copied = position
                continue
            }
            position += 1
        }
        return copied == 0 ? nil : quoted + text[copied...]
    }
}
