// One value of a YAML document that knows where it stands, and is read as the type its field has.
//
// The field decides the type, not YAML's guess at the text: `NO` in a list of countries is the
// text NO, `1` for a version is the text 1, and `yes` for a switch is an error that names
// `true` and `false`.  That keeps YAML's surprises out.

internal import Yams

public struct YAMLValue {
    let node: Node
    /// The file's name in errors.
    public let source: String
    /// Dotted, with indices: `features[3].range`.
    public let keyPath: String

    init(node: Node, source: String, keyPath: String) {
        self.node = node
        self.source = source
        self.keyPath = keyPath
    }

    /// From 1.
    public var line: Int { node.mark?.line ?? 1 }

    /// An error at this value.
    public func error(_ message: String) -> ConfigurationError {
        ConfigurationError(source: source, line: line, keyPath: keyPath, message: message)
    }

    /// An error that says what was expected, and what stands here.
    public func expected(_ what: String) -> ConfigurationError { error("expected \(what), found \(found)") }

    private var found: String {
        switch node {
        case .scalar(let scalar): isNull ? "nothing" : quoted(scalar.string)
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    /// Nothing after the colon, `~` or `null`.
    public var isNull: Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    public var isMapping: Bool {
        if case .mapping = node { true } else { false }
    }

    public var isSequence: Bool {
        if case .sequence = node { true } else { false }
    }

    /// The text of a plain scalar, where numbers, switches and quantities must be without quotes.
    private var plainText: String? {
        guard case .scalar(let scalar) = node, scalar.style == .plain, !isNull else { return nil }
        return scalar.string
    }
}

// MARK: Scalars

extension YAMLValue {
    /// Any scalar's text, quoted or not; nothing is an error.
    public func text(_ what: String = "text") throws(ConfigurationError) -> String {
        guard case .scalar(let scalar) = node, !isNull else { throw expected(what) }
        return scalar.string
    }

    public func boolean() throws(ConfigurationError) -> Bool {
        switch plainText {
        case "true": return true
        case "false": return false
        default: throw expected("true or false")
        }
    }

    public func integer(in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        guard let value = plainText.flatMap(ScalarText.integer), range.contains(value) else {
            throw expected("a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A finite number.
    public func number() throws(ConfigurationError) -> Double {
        guard let value = plainText.flatMap(ScalarText.number) else { throw expected("a finite number") }
        return value
    }

    public func nanos(in range: ClosedRange<UInt64>) throws(ConfigurationError) -> UInt64 {
        guard let value = plainText.flatMap(Quantity.nanos) else { throw expected(Quantity.durationExpectation) }
        guard range.contains(value) else {
            throw expected(
                "\(Quantity.duration(nanos: range.lowerBound)) to \(Quantity.duration(nanos: range.upperBound))")
        }
        return value
    }

    /// One of a type's raw values.
    public func choice<Choice: RawRepresentable & CaseIterable>(
        _ type: Choice.Type = Choice.self
    ) throws(ConfigurationError) -> Choice where Choice.RawValue == String {
        try choice(of: Array(Choice.allCases))
    }

    /// One of these raw values.
    public func choice<Choice: RawRepresentable>(
        of choices: [Choice]
    ) throws(ConfigurationError) -> Choice where Choice.RawValue == String {
        guard case .scalar(let scalar) = node, let value = choices.first(where: { $0.rawValue == scalar.string }) else {
            throw expected("one of \(choices.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }
}

// MARK: Collections

extension YAMLValue {
    /// The items of a list.
    public func items(_ what: String = "a list", countMax: Int = 65536) throws(ConfigurationError) -> [YAMLValue] {
        guard case .sequence(let sequence) = node else { throw expected(what) }
        guard sequence.count <= countMax else {
            throw error("has \(sequence.count) items, at most \(countMax) are allowed")
        }
        return sequence.enumerated().map { index, item in
            YAMLValue(node: item, source: source, keyPath: "\(keyPath)[\(index)]")
        }
    }

    /// Keys and values in the file's order, whatever the keys are.
    public func entries(_ what: String = "a mapping") throws(ConfigurationError) -> [(key: String, value: YAMLValue)] {
        guard case .mapping(let mapping) = node else { throw expected(what) }
        return mapping.map { key, value in
            let name = key.scalar?.string ?? ""
            let path = keyPath.isEmpty ? name : "\(keyPath).\(name)"
            return (name, YAMLValue(node: value, source: source, keyPath: path))
        }
    }

    /// The fields of a mapping whose keys are fixed; another key is an error that lists them.
    public func fields(_ known: [String]) throws(ConfigurationError) -> YAMLFields {
        let entries = try entries("a mapping with \(known.joined(separator: ", "))")
        for (key, value) in entries where !known.contains(key) { throw value.unknownKey(key, known: known) }
        return YAMLFields(owner: self, values: Dictionary(uniqueKeysWithValues: entries.map { ($0.key, $0.value) }))
    }

    /// The error for a key that does not exist here.
    public func unknownKey(_ key: String, known: [String]) -> ConfigurationError {
        error("unknown key\(suggestion(for: key, among: known)) (known here: \(known.joined(separator: ", ")))")
    }
}

/// The fields of one mapping, by name.
public struct YAMLFields {
    /// The mapping itself.
    public let owner: YAMLValue
    let values: [String: YAMLValue]

    /// A field that may be left out.
    public subscript(name: String) -> YAMLValue? { values[name] }

    /// A field that must be there.
    public func required(_ name: String) throws(ConfigurationError) -> YAMLValue {
        guard let value = values[name] else { throw owner.error("needs the key \(name)") }
        return value
    }
}
