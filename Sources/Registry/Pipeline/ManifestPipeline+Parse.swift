// `pipeline:` from YAML, and the steps after the model.
//
//     after:
//     - platt: {slope: -1.3, intercept: 0.2, of: margin}

internal import Configuration
internal import Inference
internal import ModelFormat

extension ManifestPipeline {
    private static let afterNames = ["sigmoid", "softmax", "platt", "isotonic"]

    init(parsing value: YAMLValue, features: [FeatureSpec]) throws(ConfigurationError) {
        let fields = try value.fields(["before", "after"])
        if let before = fields["before"], !before.isNull {
            var reader = BeforeReader(features)
            self.before = try reader.read(before)
        }
        if let after = fields["after"], !after.isNull {
            for item in try after.items("a list of steps", countMax: BeforeReader.stepsMax) {
                let (name, body) = try BeforeReader.step(item, among: Self.afterNames)
                self.after.append(try Self.readAfter(name, body, isFirst: self.after.isEmpty))
            }
        }
        guard !before.isEmpty || !after.isEmpty else { throw value.error("has no steps; leave it out") }
    }

    private static func readAfter(
        _ name: String, _ body: YAMLValue, isFirst: Bool
    ) throws(ConfigurationError) -> After {
        let keys =
            switch name {
            case "sigmoid": ["scale"]
            case "softmax": [String]()
            case "platt": ["slope", "intercept"]
            default: ["x", "y"]
            }
        let fields = try body.fields(keys + ["of"])
        var isOfMargin = false
        if let of = fields["of"] {
            guard isFirst else { throw of.error("only the first step can choose; the others go on from it") }
            switch try of.text() {
            case "score": break
            case "margin": isOfMargin = true
            default: throw of.expected("score or margin")
            }
        }
        return After(kind: try kind(name, fields), isOfMargin: isOfMargin, place: body.keyPath)
    }

    private static func kind(_ name: String, _ fields: YAMLFields) throws(ConfigurationError) -> After.Kind {
        switch name {
        case "sigmoid":
            guard let value = fields["scale"] else { return .sigmoid(scale: 1) }
            let scale = try value.number()
            guard scale > 0 else { throw value.expected("a number above 0") }
            return .sigmoid(scale: scale)
        case "softmax": return .softmax
        case "platt":
            return .calibrate(
                .platt(
                    slope: try fields.required("slope").number(), intercept: try fields.required("intercept").number()))
        default: return .calibrate(try isotonic(fields))
        }
    }

    private static func isotonic(_ fields: YAMLFields) throws(ConfigurationError) -> Calibration {
        var x: [Double] = []
        for item in try fields.required("x").items("a list of numbers") {
            let number = try item.number()
            if let last = x.last, last >= number { throw item.error("must be above the one before it") }
            x.append(number)
        }
        let list = try fields.required("y")
        let y = try list.items("a list of numbers").map { item throws(ConfigurationError) in try item.number() }
        guard !x.isEmpty else { throw try fields.required("x").expected("at least one number") }
        guard x.count == y.count else { throw list.error("has \(y.count) numbers, but x has \(x.count)") }
        return .isotonic(x: x, y: y)
    }
}
