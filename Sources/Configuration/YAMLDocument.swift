// A YAML file, parsed by Yams and bounded before it.
//
// YAML is used as JSON with comments: mappings, sequences and scalars.  Anchors, aliases and tags
// are refused.  Aliases must be refused *before* Yams composes the document, because it hashes
// mapping keys, and nested aliases as a key would take exponential time (the "billion laughs").
// So a scan counts what may be an anchor or an alias; it may count too many (a `*` inside quotes),
// never too few.  Up to 8 go on to Yams, where they can multiply a document by at most
// 3^(8/3) ≈ 19, and are then refused at their exact place.
//
// Yams' tag resolver runs six regular expressions over every scalar; `Resolver.basic` has none.
// That takes a manifest of 32 features from milliseconds to a fraction of one, which counts
// within a cold start of 100 ms.  Scalars are therefore interpreted by YAMLValue.

internal import Yams

public enum YAMLDocument {
    /// The most bytes a configuration or a manifest may have.
    public static let bytesMax = 4 << 20
    /// What may be anchors or aliases, and is still handed to Yams.
    static let aliasSuspectsMax = 8
    /// Mappings and sequences within one another.
    static let depthMax = 64

    /// Parses one document. An empty one is an empty mapping.
    /// - Parameter source: the file's name in errors.
    public static func parse(_ bytes: [UInt8], source: String) throws(ConfigurationError) -> YAMLValue {
        guard bytes.count <= bytesMax else {
            throw ConfigurationError(source: source, message: "has more than \(bytesMax) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(source: source, line: lineOfBadUTF8(bytes), message: "is not UTF-8")
        }
        try refuseManyAliases(bytes, source: source)
        do {
            let parser = try Yams.Parser(yaml: text, resolver: .basic, constructor: .default, encoding: .utf8)
            let root = try parser.singleRoot() ?? Node.mapping(Node.Mapping([]))
            // Anchors are held by the parser, and by it alone.
            return try withExtendedLifetime(parser) {
                try refuseExtras(root, source: source)
                return YAMLValue(node: root, source: source, keyPath: "")
            }
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw translated(error, source: source)
        }
    }

    /// Reads and parses a file.
    public static func read(_ path: String) throws(ConfigurationError) -> YAMLValue {
        try parse(FileBytes.read(path, limit: bytesMax), source: path)
    }

    /// Counts `*x` and `&x` that stand where a node may begin.
    private static func refuseManyAliases(_ bytes: [UInt8], source: String) throws(ConfigurationError) {
        var suspects = 0
        var line = 1
        var lineIsComment = false
        var previous = UInt8(ascii: "\n")
        for (index, byte) in bytes.enumerated() {
            if previous == UInt8(ascii: "\n") { lineIsComment = isPlainComment(bytes, from: index) }
            let next = index + 1 < bytes.count ? bytes[index + 1] : UInt8(ascii: " ")
            let begins = byte == UInt8(ascii: "*") || byte == UInt8(ascii: "&")
            if begins && !lineIsComment && next > 0x20 && !isWordByte(previous) { suspects += 1 }
            if suspects > aliasSuspectsMax {
                throw ConfigurationError(
                    source: source, line: line,
                    message: "YAML anchors and aliases are not supported; write the values out")
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
            previous = byte
        }
    }

    /// A letter or digit directly before `*` or `&` keeps them inside a plain scalar.
    private static func isWordByte(_ byte: UInt8) -> Bool {
        (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a)
    }

    /// Whether the line is a comment to its end, and cannot be the end of a quoted scalar either.
    private static func isPlainComment(_ bytes: [UInt8], from start: Int) -> Bool {
        var index = start
        while index < bytes.count, bytes[index] == 0x20 { index += 1 }
        guard index < bytes.count, bytes[index] == UInt8(ascii: "#") else { return false }
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") {
            let byte = bytes[index]
            // YAML also ends lines, and so comments, at CR and at two characters beyond ASCII.
            let endsLine =
                byte == UInt8(ascii: "\r") && index + 1 < bytes.count && bytes[index + 1] != UInt8(ascii: "\n")
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte >= 0x80 || endsLine { return false }
            index += 1
        }
        return true
    }

    /// Anchors, tags, keys that are no scalars, and nesting without end.
    private static func refuseExtras(_ node: Node, source: String, depth: Int = 0) throws {
        func refuse(_ message: String) -> ConfigurationError {
            ConfigurationError(source: source, line: node.mark?.line, message: message)
        }
        if depth > depthMax { throw refuse("is nested more than \(depthMax) deep") }
        if node.anchor != nil { throw refuse("YAML anchors and aliases are not supported; write the values out") }
        switch node {
        case .scalar(let scalar):
            // A quoted scalar carries the string's tag by itself.
            let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
            let tag = scalar.tag.rawValue
            if tag != "" && tag != Tag.Name.str.rawValue && !(isQuoted && tag == "!") {
                throw refuse("YAML tags are not supported")
            }
        case .sequence(let sequence):
            for item in sequence { try refuseExtras(item, source: source, depth: depth + 1) }
        case .mapping(let mapping):
            for (key, value) in mapping {
                guard case .scalar = key else { throw refuse("a key must be a word") }
                try refuseExtras(key, source: source, depth: depth + 1)
                try refuseExtras(value, source: source, depth: depth + 1)
            }
        case .alias:
            throw refuse("YAML anchors and aliases are not supported; write the values out")
        }
    }

    private static func lineOfBadUTF8(_ bytes: [UInt8]) -> Int {
        var good = 0
        var bad = bytes.count
        // The longest valid prefix, by halving: whether a prefix is valid is monotone but for a cut
        // character, which cannot hold a line break.
        while good + 1 < bad {
            let middle = (good + bad) / 2
            if String(validating: bytes[..<middle], as: UTF8.self) != nil { good = middle } else { bad = middle }
        }
        return 1 + bytes[..<good].reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    }
}

extension YAMLDocument {
    /// Yams' error in the words and with the place of ours.
    private static func translated(_ error: any Error, source: String) -> ConfigurationError {
        guard let error = error as? YamlError else {
            return ConfigurationError(source: source, message: "is not YAML")
        }
        switch error {
        case .scanner(let context, let problem, let mark, let yaml),
            .parser(let context, let problem, let mark, let yaml):
            // What is missing at the end is reported on the last line that there is.
            let line = max(1, min(mark.line, lineCount(yaml)))
            let began = context.flatMap {
                $0.mark.line < line ? " \($0.text) that begins on line \($0.mark.line)" : nil
            }
            return ConfigurationError(source: source, line: line, message: "is not YAML: \(problem)\(began ?? "")")
        case .composer(_, let problem, let mark, _):
            return ConfigurationError(source: source, line: mark.line, message: "is not YAML: \(problem)")
        case .reader(let problem, let offset, _, let yaml):
            let line = offset.map { 1 + yaml.prefix($0).utf8.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) } }
            return ConfigurationError(source: source, line: line, message: "is not YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map(quoted).joined(separator: ", ")
            return ConfigurationError(
                source: source, line: context.mark.line, message: "\(keys) stands here and again in the same mapping")
        default:
            return ConfigurationError(source: source, message: "is not YAML, or nested too deep")
        }
    }

    private static func lineCount(_ text: String) -> Int {
        text.utf8.reduce(text.utf8.last == UInt8(ascii: "\n") ? 0 : 1) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    }
}
