// One scalar of the configuration: its key, and how its text becomes a value.
//
// The three layers (file, environment, flags) all bring text, so one conversion and one message
// serve them all.

/// A scalar's text, and where it came from.
struct RawScalar {
    enum Origin {
        case file(YAMLValue)
        /// The variable or the flag.
        case named(String)
    }

    let text: String
    let origin: Origin

    /// An error at the scalar's origin.
    func error(_ message: String, keyPath: String) -> ConfigurationError {
        switch origin {
        case .file(let value): value.error(message)
        case .named(let name): ConfigurationError(source: name, keyPath: keyPath, message: message)
        }
    }
}

/// A key path that threads may share.
typealias FieldPath<Value> = any WritableKeyPath<GatewayConfiguration, Value> & Sendable

public struct ConfigurationField: Sendable {
    /// What the text must be, and where its value goes.
    enum Kind {
        case integer(FieldPath<Int>, ClosedRange<Int>, unit: String)
        case duration(FieldPath<UInt64>, ClosedRange<UInt64>)
        case size(FieldPath<Int>, ClosedRange<Int>)
        case address(FieldPath<String>)
        /// A path that must not be empty.
        case folder(FieldPath<String>)
        /// A path, or empty for none.
        case optionalFolder(FieldPath<String?>)
        case logLevel(FieldPath<GatewayConfiguration.LogLevel>)
    }

    /// Dotted, as in the file: `limits.body_bytes`.
    public let keyPath: String
    let kind: Kind

    init(_ keyPath: String, _ kind: Kind) {
        self.keyPath = keyPath
        self.kind = kind
    }

    /// The variable that overrides it: `SERIN_LIMITS_BODY_BYTES`.
    public var variable: String {
        "SERIN_" + keyPath.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
    }

    /// The values that are allowed, in words.
    public var allowed: String {
        switch kind {
        case .integer(_, let range, let unit):
            "\(range.lowerBound) to \(range.upperBound)\(unit.isEmpty ? "" : " \(unit)")"
        case .duration(_, let range):
            "\(Quantity.duration(nanos: range.lowerBound)) to \(Quantity.duration(nanos: range.upperBound))"
        case .size(_, let range):
            "\(Quantity.size(bytes: range.lowerBound)) to \(Quantity.size(bytes: range.upperBound))"
        case .address: "an IPv4 or IPv6 address in digits"
        case .folder: "a folder"
        case .optionalFolder: "a folder, or \"\" for none"
        case .logLevel: GatewayConfiguration.LogLevel.allCases.map(\.rawValue).joined(separator: ", ")
        }
    }

    /// The field's value in a configuration, as the file would spell it.
    public func text(in configuration: GatewayConfiguration) -> String {
        switch kind {
        case .integer(let path, _, _): String(configuration[keyPath: path])
        case .duration(let path, _): Quantity.duration(nanos: configuration[keyPath: path])
        case .size(let path, _): Quantity.size(bytes: configuration[keyPath: path])
        case .address(let path), .folder(let path): configuration[keyPath: path]
        case .optionalFolder(let path): configuration[keyPath: path] ?? ""
        case .logLevel(let path): configuration[keyPath: path].rawValue
        }
    }

    /// Checks the text and writes its value.
    func apply(_ raw: RawScalar, to configuration: inout GatewayConfiguration) throws(ConfigurationError) {
        func refused(_ expectation: String) -> ConfigurationError {
            raw.error("expected \(expectation), found \(quoted(raw.text))", keyPath: keyPath)
        }
        switch kind {
        case .integer(let path, let range, _):
            guard let value = ScalarText.integer(raw.text), range.contains(value) else {
                throw refused("a whole number, \(allowed)")
            }
            configuration[keyPath: path] = value
        case .duration(let path, let range):
            guard let value = Quantity.nanos(raw.text) else { throw refused(Quantity.durationExpectation) }
            guard range.contains(value) else { throw refused(allowed) }
            configuration[keyPath: path] = value
        case .size(let path, let range):
            guard let value = Quantity.bytes(raw.text) else { throw refused(Quantity.sizeExpectation) }
            guard range.contains(value) else { throw refused(allowed) }
            configuration[keyPath: path] = value
        case .address(let path):
            guard IPAddress.isAddress(raw.text) else { throw refused(allowed) }
            configuration[keyPath: path] = raw.text
        case .folder(let path):
            guard !raw.text.isEmpty, !raw.text.utf8.contains(0) else { throw refused(allowed) }
            configuration[keyPath: path] = raw.text
        case .optionalFolder(let path):
            guard !raw.text.utf8.contains(0) else { throw refused(allowed) }
            configuration[keyPath: path] = raw.text.isEmpty ? nil : raw.text
        case .logLevel(let path):
            guard let value = GatewayConfiguration.LogLevel(rawValue: raw.text) else {
                throw refused("one of \(allowed)")
            }
            configuration[keyPath: path] = value
        }
    }
}
