// Steps before the model, from YAML: each a mapping with the step's name as its one key.
//
//     before:
//     - impute: {features: [age, income], value: [40, 2500], marker: -1}
//     - scale: {features: [income], offset: 2500, scale: 0.001}
//     - one_hot: {features: [country]}

internal import Configuration
internal import Inference
internal import ModelFormat

/// Reads steps in their order; a feature that has become several columns cannot be named again.
struct BeforeReader {
    private let specs: [FeatureSpec]
    private let places: [String: Int]
    /// Which step has made several columns of a feature.
    private var spread: [Int: String] = [:]

    private static let names = ["impute", "scale", "clip", "log", "bucket", "one_hot", "target_encode"]
    static let stepsMax = 256

    init(_ features: [FeatureSpec]) {
        specs = features
        places = Dictionary(uniqueKeysWithValues: features.enumerated().map { ($1.name, $0) })
    }

    mutating func read(_ value: YAMLValue) throws(ConfigurationError) -> [ManifestPipeline.Before] {
        var steps: [ManifestPipeline.Before] = []
        for item in try value.items("a list of steps", countMax: Self.stepsMax) {
            let (name, body) = try Self.step(item, among: Self.names)
            steps.append(try read(name, body))
        }
        return steps
    }

    /// The one key of a step, and what stands behind it.
    static func step(
        _ item: YAMLValue, among names: [String]
    ) throws(ConfigurationError) -> (name: String, body: YAMLValue) {
        let entries = try item.entries("a mapping with one of \(names.joined(separator: ", "))")
        guard entries.count == 1, let entry = entries.first else {
            throw item.error("a step has one key, one of \(names.joined(separator: ", "))")
        }
        guard names.contains(entry.key) else { throw entry.value.unknownKey(entry.key, known: names) }
        return (entry.key, entry.value)
    }

    private mutating func read(
        _ name: String, _ body: YAMLValue
    ) throws(ConfigurationError) -> ManifestPipeline.Before {
        let fields = try body.fields(["features"] + Self.keys(of: name))
        let features = try readFeatures(fields.required("features"))
        let kind = try read(name, fields, features)
        if name == "one_hot" { for feature in features { spread[feature] = body.keyPath } }
        return ManifestPipeline.Before(kind: kind, features: features, place: body.keyPath)
    }

    private static func keys(of name: String) -> [String] {
        switch name {
        case "impute": ["value", "marker"]
        case "scale": ["offset", "scale"]
        case "clip": ["low", "high"]
        case "log": ["offset"]
        case "bucket": ["edges"]
        case "one_hot": ["values"]
        default: ["table", "otherwise", "missing"]
        }
    }

    private func readFeatures(_ value: YAMLValue) throws(ConfigurationError) -> [Int] {
        var features: [Int] = []
        for item in try value.items("a list of features") {
            let name = try item.text("a feature's name")
            guard let feature = places[name] else { throw item.error("\(quoted(name)) is none of the features") }
            guard !features.contains(feature) else { throw item.error("\(quoted(name)) stands twice") }
            if let step = spread[feature] {
                throw item.error("\(quoted(name)) has become several columns in \(step)")
            }
            features.append(feature)
        }
        guard !features.isEmpty else { throw value.expected("at least one feature") }
        return features
    }

    private func read(
        _ name: String, _ fields: YAMLFields, _ features: [Int]
    ) throws(ConfigurationError) -> ManifestPipeline.Before.Kind {
        switch name {
        case "impute":
            let marker = try fields["marker"].map { value throws(ConfigurationError) in try value.number() }
            return .impute(values: try numbers(fields.required("value"), features), marker: marker)
        case "scale":
            guard fields["offset"] != nil || fields["scale"] != nil else {
                throw fields.owner.error("needs offset, scale or both")
            }
            return .scale(
                offsets: try numbers(fields["offset"], features, otherwise: 0),
                scales: try numbers(fields["scale"], features, otherwise: 1))
        case "clip": return try readClip(fields, features)
        case "log":
            return .log(
                offset: try fields["offset"].map { value throws(ConfigurationError) in try value.number() } ?? 1)
        case "bucket": return .bucket(edges: try ascending(fields.required("edges"), "edges"))
        case "one_hot": return try readOneHot(fields, features)
        default: return .targetEncode(try readTable(fields, features))
        }
    }

    /// One number for all features, or a list with one for each.
    private func numbers(_ value: YAMLValue, _ features: [Int]) throws(ConfigurationError) -> [Double] {
        guard value.isSequence else { return [Double](repeating: try value.number(), count: features.count) }
        let items = try value.items()
        guard items.count == features.count else {
            throw value.error("has \(items.count) numbers for \(features.count) features")
        }
        return try items.map { item throws(ConfigurationError) in try item.number() }
    }

    private func numbers(
        _ value: YAMLValue?, _ features: [Int], otherwise: Double
    ) throws(ConfigurationError) -> [Double] {
        guard let value else { return [Double](repeating: otherwise, count: features.count) }
        return try numbers(value, features)
    }

    private func readClip(
        _ fields: YAMLFields, _ features: [Int]
    ) throws(ConfigurationError) -> ManifestPipeline.Before.Kind {
        guard let first = fields["low"] ?? fields["high"] else { throw fields.owner.error("needs low, high or both") }
        let low = try numbers(fields["low"], features, otherwise: -.infinity)
        let high = try numbers(fields["high"], features, otherwise: .infinity)
        guard zip(low, high).allSatisfy({ $0 <= $1 }) else { throw first.error("low must not be above high") }
        return .clip(low: low, high: high)
    }

    /// At least one number, each above the one before it.
    private func ascending(_ value: YAMLValue, _ what: String) throws(ConfigurationError) -> [Double] {
        var numbers: [Double] = []
        for item in try value.items("a list of \(what)") {
            let number = try item.number()
            if let last = numbers.last, last >= number { throw item.error("must be above the one before it") }
            numbers.append(number)
        }
        guard !numbers.isEmpty else { throw value.expected("at least one number") }
        return numbers
    }

    private func readOneHot(
        _ fields: YAMLFields, _ features: [Int]
    ) throws(ConfigurationError) -> ManifestPipeline.Before.Kind {
        if let values = fields["values"] {
            var list: [Double] = []
            for item in try values.items("a list of numbers") {
                let number = try item.number()
                guard !list.contains(number) else { throw item.error("stands twice") }
                list.append(number)
            }
            guard !list.isEmpty else { throw values.expected("at least one number") }
            return .oneHot(values: features.map { _ in list })
        }
        // Without values a category has a column for each of its codes.
        return .oneHot(
            values: try features.map { feature throws(ConfigurationError) in
                let count = specs[feature].categories.count
                guard count > 0 else {
                    throw fields.owner.error("needs values, because \(specs[feature].name) lists no categories")
                }
                return (0..<count).map { Double($0) }
            })
    }

    private func readTable(_ fields: YAMLFields, _ features: [Int]) throws(ConfigurationError) -> LookupTable {
        guard features.count == 1 else {
            throw try fields.required("features").error("a table belongs to one feature, not \(features.count)")
        }
        let categories = specs[features[0]].categories
        let table = try fields.required("table")
        var values: [Double: Double] = [:]
        for (key, value) in try table.entries("a mapping from values to numbers") {
            let code =
                categories.isEmpty ? ScalarText.number(key) : categories.firstIndex(of: key).map { Double($0) }
            guard let code else {
                throw value.error(
                    categories.isEmpty ? "the key must be a number" : "the key is none of the feature's categories")
            }
            guard values.updateValue(try value.number(), forKey: code) == nil else {
                throw value.error("the key stands twice")
            }
        }
        let keys = values.keys.sorted()
        let otherwise = try fields.required("otherwise").number()
        let missing = try fields["missing"].map { value throws(ConfigurationError) in try value.number() }
        return LookupTable(
            keys: keys, values: keys.map { values[$0]! }, otherwise: otherwise, missing: missing ?? otherwise)
    }
}
