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
        /// A file, or `none`.
        case optionalFile(FieldPath<String?>)
        /// A list in OpenSSL's own spelling, or `standard`.
        case list(FieldPath<String?>)
        case word(FieldPath<String>, [String])
        case logLevel(FieldPath<GatewayConfiguration.LogLevel>)
        case boolean(FieldPath<Bool>)
        /// 0 to 1.
        case ratio(FieldPath<Double>)
        /// What something is called.
        case name(FieldPath<String>)
        /// A URL, or `none`.
        case endpoint(FieldPath<HTTPEndpoint?>, port: UInt16)
        /// `any`, or numbers of processors.
        case processors(FieldPath<[Int]>)
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
        case .optionalFile: "a file, or none"
        case .list: "standard, or names with colons between them, as OpenSSL knows them"
        case .word(_, let words): words.joined(separator: ", ")
        case .logLevel: GatewayConfiguration.LogLevel.allCases.map(\.rawValue).joined(separator: ", ")
        case .boolean: "true or false"
        case .ratio: "0 to 1"
        case .name: "1 to 128 characters of printable ASCII"
        case .endpoint: "http://HOST[:PORT][/PATH], or none"
        case .processors: "any, or numbers of processors such as 0,2-3"
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
        case .optionalFile(let path): configuration[keyPath: path] ?? "none"
        case .list(let path): configuration[keyPath: path] ?? "standard"
        case .word(let path, _): configuration[keyPath: path]
        case .logLevel(let path): configuration[keyPath: path].rawValue
        case .boolean(let path): configuration[keyPath: path] ? "true" : "false"
        case .ratio(let path): Self.text(ratio: configuration[keyPath: path])
        case .name(let path): configuration[keyPath: path]
        case .endpoint(let path, _): configuration[keyPath: path]?.text ?? "none"
        case .processors(let path): ProcessorList.text(configuration[keyPath: path])
        }
    }

    /// Checks the text and writes its value.
    func apply(_ raw: RawScalar, to configuration: inout GatewayConfiguration) throws(ConfigurationError) {
        switch kind {
        case .integer(let path, let range, _): configuration[keyPath: path] = try integer(raw, range)
        case .duration(let path, let range): configuration[keyPath: path] = try duration(raw, range)
        case .size(let path, let range): configuration[keyPath: path] = try size(raw, range)
        case .address(let path): configuration[keyPath: path] = try text(raw, IPAddress.isAddress)
        case .folder(let path): configuration[keyPath: path] = try text(raw) { !$0.isEmpty && !$0.utf8.contains(0) }
        case .optionalFolder(let path):
            let folder = try text(raw) { !$0.utf8.contains(0) }
            configuration[keyPath: path] = folder.isEmpty ? nil : folder
        case .optionalFile(let path):
            let file = try text(raw) { !$0.isEmpty && !$0.utf8.contains(0) }
            configuration[keyPath: path] = file == "none" ? nil : file
        case .list(let path):
            let list = try text(raw) { !$0.isEmpty && $0.utf8.allSatisfy { 0x21...0x7e ~= $0 } }
            configuration[keyPath: path] = list == "standard" ? nil : list
        case .word(let path, let words): configuration[keyPath: path] = try word(raw, words)
        case .logLevel(let path): configuration[keyPath: path] = try logLevel(raw)
        case .boolean(let path): configuration[keyPath: path] = try text(raw, ["true", "false"].contains) == "true"
        case .ratio(let path):
            guard let ratio = ScalarText.number(raw.text), 0...1 ~= ratio else {
                throw refused(raw, "a number, \(allowed)")
            }
            configuration[keyPath: path] = ratio
        case .name(let path):
            configuration[keyPath: path] = try text(raw) { name in
                1...128 ~= name.utf8.count && name.utf8.allSatisfy { 0x20...0x7e ~= $0 }
            }
        case .endpoint(let path, let port):
            let endpoint = HTTPEndpoint(raw.text, defaultPort: port)
            if endpoint == nil, raw.text != "none" { throw refused(raw, allowed) }
            configuration[keyPath: path] = endpoint
        case .processors(let path):
            guard let processors = ProcessorList.parse(raw.text) else { throw refused(raw, allowed) }
            configuration[keyPath: path] = processors
        }
    }
}

// MARK: Conversions

extension ConfigurationField {
    private static func text(ratio: Double) -> String {
        let text = ratio.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private func refused(_ raw: RawScalar, _ expectation: String) -> ConfigurationError {
        raw.error("expected \(expectation), found \(quoted(raw.text))", keyPath: keyPath)
    }

    private func integer(_ raw: RawScalar, _ range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        guard let value = ScalarText.integer(raw.text), range.contains(value) else {
            throw refused(raw, "a whole number, \(allowed)")
        }
        return value
    }

    private func duration(_ raw: RawScalar, _ range: ClosedRange<UInt64>) throws(ConfigurationError) -> UInt64 {
        guard let value = Quantity.nanos(raw.text) else { throw refused(raw, Quantity.durationExpectation) }
        guard range.contains(value) else { throw refused(raw, allowed) }
        return value
    }

    private func size(_ raw: RawScalar, _ range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        guard let value = Quantity.bytes(raw.text) else { throw refused(raw, Quantity.sizeExpectation) }
        guard range.contains(value) else { throw refused(raw, allowed) }
        return value
    }

    private func text(_ raw: RawScalar, _ isAllowed: (String) -> Bool) throws(ConfigurationError) -> String {
        guard isAllowed(raw.text) else { throw refused(raw, allowed) }
        return raw.text
    }

    private func word(_ raw: RawScalar, _ words: [String]) throws(ConfigurationError) -> String {
        guard words.contains(raw.text) else { throw refused(raw, "one of \(allowed)") }
        return raw.text
    }

    private func logLevel(_ raw: RawScalar) throws(ConfigurationError) -> GatewayConfiguration.LogLevel {
        guard let value = GatewayConfiguration.LogLevel(rawValue: raw.text) else {
            throw refused(raw, "one of \(allowed)")
        }
        return value
    }
}
