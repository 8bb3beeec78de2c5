// What is wrong with a file that an operator or a model author wrote, and where.
//
//     config/serin.yaml:12: limits.body_bytes: expected a size …, found "10mb"
//     └──── source ───┘ └ line └─── key path ┘ └────────── message ─────────┘
//
// The source is a file, an environment variable or a flag; only files have lines.

/// An error in a configuration, a manifest or another file of the control plane.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file as it was named, `SERIN_LISTEN_PORT`, or `--port`.
    public var source: String
    /// From 1; nil where the source has no lines.
    public var line: Int?
    /// Dotted, with indices: `features[3].range`; empty: the document itself.
    public var keyPath: String
    /// What was expected, and what was found.
    public var message: String

    public init(source: String, line: Int? = nil, keyPath: String = "", message: String) {
        self.source = source
        self.line = line
        self.keyPath = keyPath
        self.message = message
    }

    /// One line, ready for stderr.
    public var description: String {
        var text = source
        if let line { text += ":\(line)" }
        if !keyPath.isEmpty { text += ": \(keyPath.count > 200 ? keyPath.prefix(200) + "…" : keyPath[...])" }
        return visible(text + ": \(message)")
    }
}

/// Text of a file, quoted for a message: cut after 40 characters, control characters made visible.
public func quoted(_ text: String) -> String {
    "\"" + visible(text.count > 40 ? text.prefix(40) + "…" : text) + "\""
}

/// Control characters and line breaks as `\u{a}`: a file cannot forge lines of a log.
private func visible(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
        if isControl || scalar == "\u{2028}" || scalar == "\u{2029}" {
            result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
        } else {
            result.append(scalar)
        }
    }
    return String(result)
}

/// A hint for a misspelt word: `; did you mean port?`, or nothing where no word is near.
public func suggestion(for word: String, among words: [String]) -> String {
    let near = words.map { (word: $0, distance: editDistance(word, $0)) }.min { $0.distance < $1.distance }
    guard let near, near.distance <= (near.word.utf8.count < 4 ? 1 : max(2, near.word.utf8.count / 3)) else {
        return ""
    }
    return "; did you mean \(near.word)?"
}

/// Levenshtein's distance over the first 64 bytes.
private func editDistance(_ first: String, _ second: String) -> Int {
    let source = Array(first.utf8.prefix(64))
    let target = Array(second.utf8.prefix(64))
    var row = Array(0...target.count)
    for i in 0..<source.count {
        var diagonal = row[0]
        row[0] = i + 1
        for j in 0..<target.count {
            let substitution = diagonal + (source[i] == target[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[target.count]
}
