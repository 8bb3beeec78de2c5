// JSON files of a bundle, read as strictly as its YAML: fixed members, each once.

internal import Configuration
internal import JSON

/// The members of one object, with the place they are reported at.
struct JSONFields {
    let place: JSONPlace
    private var members: [String: JSONValue] = [:]

    /// Every member must be known and stand once.
    init(_ value: JSONValue, known: [String], place: JSONPlace) throws(ConfigurationError) {
        guard let object = value.asObject else { throw place.error("expected an object") }
        self.place = place
        for member in object {
            let name = member.name.asString ?? ""
            guard known.contains(name) else {
                throw place.error("unknown key \(quoted(name))\(suggestion(for: name, among: known))")
            }
            guard members.updateValue(member.value, forKey: name) == nil else {
                throw place.error("the key \(name) stands twice")
            }
        }
    }

    func has(_ name: String) -> Bool { members[name] != nil }

    func required(_ name: String) throws(ConfigurationError) -> JSONValue {
        guard let value = members[name] else { throw place.error("needs the key \(name)") }
        return value
    }

    func text(_ name: String) throws(ConfigurationError) -> String {
        guard let text = try required(name).asString else { throw place.member(name).error("expected a string") }
        return text
    }

    /// A whole number from 0 up.
    func count(_ name: String) throws(ConfigurationError) -> Int {
        try place.member(name).count(required(name))
    }

    /// An array of finite numbers.
    func numbers(_ name: String) throws(ConfigurationError) -> [Double] {
        let place = place.member(name)
        guard let array = try required(name).asArray else { throw place.error("expected an array of numbers") }
        var numbers: [Double] = []
        for element in array {
            guard let number = element.asDouble, number.isFinite else {
                throw place.item(numbers.count).error("expected a finite number")
            }
            numbers.append(number)
        }
        return numbers
    }
}

/// Where something stands in a JSON file.
struct JSONPlace {
    let source: String
    let line: Int?
    let keyPath: String

    init(source: String, line: Int? = nil, keyPath: String = "") {
        self.source = source
        self.line = line
        self.keyPath = keyPath
    }

    func member(_ name: String) -> JSONPlace {
        JSONPlace(source: source, line: line, keyPath: keyPath.isEmpty ? name : "\(keyPath).\(name)")
    }

    func item(_ index: Int) -> JSONPlace { JSONPlace(source: source, line: line, keyPath: "\(keyPath)[\(index)]") }

    func error(_ message: String) -> ConfigurationError {
        ConfigurationError(source: source, line: line, keyPath: keyPath, message: message)
    }

    func count(_ value: JSONValue) throws(ConfigurationError) -> Int {
        guard let number = value.asInt64, number >= 0 else { throw error("expected a whole number from 0") }
        return Int(number)
    }
}
