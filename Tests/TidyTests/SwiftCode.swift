// A reader of Swift (and C) just good enough for a ratchet: it knows comments, strings with their
// interpolations, and where a function begins and ends.  Regex literals are not known; nobody here
// uses them.

enum SwiftCode {
    /// The text with comments and the characters of string literals blanked, line by line in place.
    static func withoutCommentsAndStrings(_ text: String) -> String {
        var blanker = Blanker(bytes: Array(text.utf8))
        blanker.blankCode(inInterpolation: false)
        return String(decoding: blanker.bytes, as: UTF8.self)
    }

    struct FunctionLength: Equatable {
        var name: String
        /// Counted from 1.
        var line: Int
        /// From the keyword's line to the closing brace's.
        var lineCount: Int
    }

    /// Every `func`, `init` and `deinit` that has a body, in code without comments and strings.
    static func functions(in code: String) -> [FunctionLength] {
        var lengths: [FunctionLength] = []
        let bytes = Array(code.utf8)
        var line = 1
        for index in bytes.indices {
            if bytes[index] == .lineFeed { line += 1 }
            guard let keyword = declarationKeyword(at: index, in: bytes),
                let open = bodyStart(after: index + keyword.utf8.count, in: bytes),
                let close = closingBrace(of: open, in: bytes)
            else { continue }
            let inside = bytes[index...close].count { $0 == .lineFeed }
            let signature = String(decoding: bytes[index..<open].prefix { $0 != .lineFeed }, as: UTF8.self)
            lengths.append(FunctionLength(name: signature, line: line, lineCount: inside + 1))
        }
        return lengths
    }

    private static func declarationKeyword(at index: Int, in bytes: [UInt8]) -> String? {
        if index > 0, bytes[index - 1].isIdentifier || bytes[index - 1] == UInt8(ascii: ".") { return nil }
        guard [UInt8(ascii: "f"), UInt8(ascii: "i"), UInt8(ascii: "d")].contains(bytes[index]) else { return nil }
        for keyword in ["func", "init", "deinit"] where bytes[index...].starts(with: keyword.utf8) {
            let next = index + keyword.utf8.count
            guard next < bytes.count, !bytes[next].isIdentifier else { continue }
            return keyword
        }
        return nil
    }

    /// The brace that opens the body; nil: a requirement of a protocol, or a call.
    private static func bodyStart(after start: Int, in bytes: [UInt8]) -> Int? {
        var depth = 0
        for index in start..<bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"):
                depth -= 1
                if depth < 0 { return nil }
            case UInt8(ascii: "{") where depth == 0: return index
            case UInt8(ascii: "}") where depth == 0: return nil
            case .lineFeed where depth == 0 && !signatureGoesOn(after: index, in: bytes): return nil
            default: break
            }
        }
        return nil
    }

    private static func signatureGoesOn(after index: Int, in bytes: [UInt8]) -> Bool {
        let next = bytes[index...].drop { $0 == .lineFeed || $0 == UInt8(ascii: " ") }
        return ["->", "throws", "async", "where", "{", "rethrows"].contains { next.starts(with: $0.utf8) }
    }

    private static func closingBrace(of open: Int, in bytes: [UInt8]) -> Int? {
        var depth = 0
        for index in open..<bytes.count {
            if bytes[index] == UInt8(ascii: "{") { depth += 1 }
            if bytes[index] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }

    /// The words of `text`.
    static func identifiers(in text: String) -> Set<Substring> {
        Set(text.split { !($0.isLetter || $0.isNumber || $0 == "_") })
    }
}

/// Walks through text and blanks what is not code.
private struct Blanker {
    var bytes: [UInt8]
    var index = 0

    /// Up to the end, or to the parenthesis that ends an interpolation.
    mutating func blankCode(inInterpolation: Bool) {
        var depth = 0
        while index < bytes.count {
            if starts("//") {
                blankLine()
                continue
            }
            if starts("/*") {
                blankBlock()
                continue
            }
            let hashes = bytes[index...].prefix { $0 == UInt8(ascii: "#") }.count
            if index + hashes < bytes.count, bytes[index + hashes] == UInt8(ascii: "\"") {
                blankString(hashes: hashes)
                continue
            }
            if bytes[index] == UInt8(ascii: "(") { depth += 1 }
            if bytes[index] == UInt8(ascii: ")") {
                if inInterpolation && depth == 0 { return }
                depth -= 1
            }
            index += 1
        }
    }

    private func starts(_ text: StaticString) -> Bool {
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        return bytes[index...].starts(with: wanted)
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where index < bytes.count {
            if bytes[index] != .lineFeed { bytes[index] = UInt8(ascii: " ") }
            index += 1
        }
    }

    private mutating func blankLine() {
        while index < bytes.count, bytes[index] != .lineFeed { blank() }
    }

    private mutating func blankBlock() {
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                blank(2)
            } else if starts("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && index < bytes.count
    }

    private mutating func blankString(hashes: Int) {
        blank(hashes)
        let quotes = starts("\"\"\"") ? 3 : 1
        blank(quotes)
        let end = [UInt8](repeating: UInt8(ascii: "\""), count: quotes) + hashBytes(hashes)
        let escape = [UInt8(ascii: "\\")] + hashBytes(hashes)
        while index < bytes.count {
            if bytes[index...].starts(with: end) { return blank(end.count) }
            if quotes == 1 && bytes[index] == .lineFeed { return }
            guard bytes[index...].starts(with: escape) else {
                blank()
                continue
            }
            blank(escape.count)
            guard index < bytes.count, bytes[index] == UInt8(ascii: "(") else {
                blank()
                continue
            }
            blank()
            blankCode(inInterpolation: true)
            blank()
        }
    }

    private func hashBytes(_ count: Int) -> [UInt8] { [UInt8](repeating: UInt8(ascii: "#"), count: count) }
}

extension UInt8 {
    fileprivate static let lineFeed = UInt8(ascii: "\n")

    fileprivate var isIdentifier: Bool {
        let letter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
        return letter || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || self == UInt8(ascii: "_")
    }
}
