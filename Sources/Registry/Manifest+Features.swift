// The `features:` list: each column's kind and what to do with odd values, checked for sense.

internal import Configuration
internal import Inference
internal import ModelFormat

extension Manifest {
    static let categoriesMax = 1 << 20
    private static let kinds: [FeatureSpec.Kind] = [.number, .integer, .boolean, .category]
    private static let featureKeys = [
        "name", "type", "unit", "range", "on_range", "missing", "categories", "unknown", "pii", "reason",
    ]

    static func parseFeatures(_ value: YAMLValue) throws(ConfigurationError) -> [FeatureSpec] {
        var features: [FeatureSpec] = []
        var names: Set<String> = []
        for item in try value.items("a list of features", countMax: ModelBounds.features) {
            let feature = try parseFeature(item)
            guard names.insert(feature.name).inserted else {
                throw item.error("a feature called \(quoted(feature.name)) stands twice")
            }
            features.append(feature)
        }
        guard !features.isEmpty else { throw value.expected("at least one feature") }
        return features
    }

    private static func parseFeature(_ value: YAMLValue) throws(ConfigurationError) -> FeatureSpec {
        let fields = try value.fields(featureKeys)
        let name = try fields.required("name")
        var feature = try FeatureSpec(name: name.text(), kind: fields.required("type").choice(of: kinds))
        guard isLabel(feature.name) else { throw name.expected("1 to 256 characters without control characters") }
        if let unit = fields["unit"], !unit.isNull { feature.unit = try unit.text() }
        if let pii = fields["pii"] { feature.pii = try pii.boolean() }
        if let reason = fields["reason"], !reason.isNull {
            feature.reason = try reason.text("a sentence or a code")
            guard isLabel(try reason.text()) else {
                throw reason.expected("1 to 256 characters without control characters")
            }
        }
        try parseRange(fields, into: &feature)
        try parseCategories(fields, into: &feature)
        if let missing = fields["missing"] { feature.missing = try parseMissing(missing, of: feature) }
        return feature
    }

    private static func parseRange(
        _ fields: YAMLFields, into feature: inout FeatureSpec
    ) throws(ConfigurationError) {
        let numeric = feature.kind == .number || feature.kind == .integer
        for key in ["range", "on_range", "unit"] where !numeric {
            if let field = fields[key] { throw field.error("only a number or an integer has one") }
        }
        if let range = fields["range"] {
            let bounds = try range.items("a list of two numbers such as [0, 100]")
            guard bounds.count == 2 else { throw range.expected("a list of two numbers such as [0, 100]") }
            let (low, high) = try (bounds[0].number(), bounds[1].number())
            guard low <= high else { throw range.error("the first number must not be above the second") }
            feature.range = low...high
        }
        if let onRange = fields["on_range"] {
            guard feature.range != nil else { throw onRange.error("has no effect without a range") }
            feature.onRange = try onRange.choice(of: [.accept, .clip, .reject])
        }
    }

    private static func parseCategories(
        _ fields: YAMLFields, into feature: inout FeatureSpec
    ) throws(ConfigurationError) {
        for key in ["categories", "unknown"] where feature.kind != .category {
            if let field = fields[key] { throw field.error("only a category has one") }
        }
        if let categories = fields["categories"] {
            var seen: Set<String> = []
            for item in try categories.items("a list of category names", countMax: categoriesMax) {
                let category = try item.text("a category's name")
                guard seen.insert(category).inserted else {
                    throw item.error("category \(quoted(category)) stands twice")
                }
                feature.categories.append(category)
            }
        }
        guard let unknown = fields["unknown"] else { return }
        feature.unknown = try unknown.choice(of: [.model, .missing, .reject])
        if feature.unknown != .model && feature.categories.isEmpty {
            throw unknown.error("makes every value unknown, because there are no categories")
        }
    }

    /// `model`, `reject` or `{value: 0}`.
    private static func parseMissing(
        _ value: YAMLValue, of feature: FeatureSpec
    ) throws(ConfigurationError) -> FeatureSpec.Missing {
        if !value.isMapping {
            switch try value.text() {
            case "model": return .model
            case "reject": return .reject
            default: throw value.expected("model, reject or a mapping such as {value: 0}")
            }
        }
        let field = try value.fields(["value"]).required("value")
        let number = try field.number()
        if let range = feature.range, !range.contains(number) { throw field.error("is outside the feature's range") }
        let isWhole = number == number.rounded(.towardZero)
        switch feature.kind {
        case .number: break
        case .integer: guard isWhole else { throw field.expected("a whole number") }
        case .boolean: guard number == 0 || number == 1 else { throw field.expected("0 or 1") }
        case .category:
            let codes = feature.categories.isEmpty ? Double(categoriesMax) : Double(feature.categories.count)
            guard isWhole, number >= 0, number < codes else { throw field.expected("the code of a category, from 0") }
        }
        return .value(number)
    }
}
