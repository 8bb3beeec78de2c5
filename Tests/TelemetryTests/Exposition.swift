// A strict reader of the Prometheus text format 0.0.4, the tests' oracle for what is rendered.

/// One parsed scrape.
struct Exposition {
    struct Failure: Error { var line: String }

    struct Sample: Equatable {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    var help: [String: String] = [:]
    var types: [String: String] = [:]
    /// Families in the order their TYPE lines came.
    var families: [String] = []
    var samples: [Sample] = []

    /// Fails on anything a strict scraper would refuse, also a family that is not in one piece.
    init(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.isEmpty || text.hasSuffix("\n") else { throw Failure(line: "no line feed at the end") }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let line = String(line)
            if line.hasPrefix("# ") { try readComment(line) } else { try readSample(line) }
        }
    }

    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        samples.first { $0.name == name && $0.labels == labels }?.value
    }

    private mutating func readComment(_ line: String) throws {
        let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard words.count == 4 else { throw Failure(line: line) }
        if words[1] == "HELP" {
            guard help.updateValue(words[3], forKey: words[2]) == nil else { throw Failure(line: line) }
        } else {
            guard words[1] == "TYPE", types.updateValue(words[3], forKey: words[2]) == nil else {
                throw Failure(line: line)
            }
            families.append(words[2])
        }
    }

    private mutating func readSample(_ line: String) throws {
        var rest = Substring(line)
        let name = String(rest.prefix { $0 != "{" && $0 != " " })
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" { labels = try Self.readLabels(&rest, line) }
        guard rest.first == " ", let family = families.last, Self.belongs(name, to: family, types[family]),
            let value = Self.number(rest.dropFirst())
        else { throw Failure(line: line) }
        samples.append(Sample(name: name, labels: labels, value: value))
    }

    private static func belongs(_ name: String, to family: String, _ type: String?) -> Bool {
        type == "histogram" ? ["_bucket", "_sum", "_count"].contains { family + $0 == name } : family == name
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: text.contains(" ") ? nil : Double(text)
        }
    }

    private static func readLabels(_ rest: inout Substring, _ line: String) throws -> [String: String] {
        var labels: [String: String] = [:]
        repeat {
            rest.removeFirst()
            let name = String(rest.prefix { $0 != "=" })
            rest = rest.dropFirst(name.count + 1)
            guard rest.popFirst() == "\"" else { throw Failure(line: line) }
            let value = try readQuoted(&rest, line)
            guard labels.updateValue(value, forKey: name) == nil else { throw Failure(line: line) }
        } while rest.first == ","
        guard rest.popFirst() == "}" else { throw Failure(line: line) }
        return labels
    }

    /// What stands before the closing quote, unescaped.
    private static func readQuoted(_ rest: inout Substring, _ line: String) throws -> String {
        var value = ""
        while let character = rest.popFirst() {
            if character == "\"" { return value }
            guard character == "\\" else {
                value.append(character)
                continue
            }
            switch rest.popFirst() {
            case "n": value.append("\n")
            case "\\": value.append("\\")
            case "\"": value.append("\"")
            default: throw Failure(line: line)
            }
        }
        throw Failure(line: line)
    }
}
