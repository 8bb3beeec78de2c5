// `feedback: {amount: amount, groups: [country]}`: features whose values go with a prediction's id until its label comes.
//
// An id can be read by whoever has it, so a personal feature is refused here.

internal import Configuration
internal import Inference

extension Manifest.Feedback {
    static let groupsMax = 8
    /// Of a group.
    static let valuesMax = 254

    init(parsing value: YAMLValue, features: [FeatureSpec]) throws(ConfigurationError) {
        let fields = try value.fields(["amount", "groups"])
        if let amount = fields["amount"], !amount.isNull {
            let feature = try Self.feature(amount, features)
            guard feature.kind == .number || feature.kind == .integer else {
                throw amount.expected("a feature of type number or integer")
            }
            self.amount = feature.name
        }
        guard let groups = fields["groups"], !groups.isNull else { return }
        for item in try groups.items("a list of features", countMax: Self.groupsMax) {
            let feature = try Self.feature(item, features)
            guard feature.kind == .boolean || feature.kind == .category && !feature.categories.isEmpty else {
                throw item.expected("a feature of type boolean, or of type category with its categories")
            }
            guard feature.categories.count <= Self.valuesMax else {
                throw item.error("has \(feature.categories.count) categories, and a group at most \(Self.valuesMax)")
            }
            guard !self.groups.contains(feature.name) else { throw item.error("\(feature.name) stands twice") }
            self.groups.append(feature.name)
        }
    }

    private static func feature(
        _ value: YAMLValue, _ features: [FeatureSpec]
    ) throws(ConfigurationError) -> FeatureSpec {
        let name = try value.text("a feature's name")
        guard let feature = features.first(where: { $0.name == name }) else {
            throw value.error("there is no feature \(quoted(name))")
        }
        guard !feature.pii else { throw value.error("\(name) is personal (pii), and ids can be read by who has them") }
        return feature
    }
}
