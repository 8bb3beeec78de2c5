// What a version's ids and labels mean: kept with the labels, so that they mean the same when the version is long gone.

public import Inference
internal import Primitives

public struct LabelSubject: Codable, Sendable, Equatable {
    /// A feature by whose values figures are told apart.
    public struct Group: Codable, Sendable, Equatable {
        public var feature: String
        /// Index is code.
        public var values: [String]

        /// How a code reads.
        public func text(_ code: UInt8) -> String {
            switch code {
            case PredictionStamp.missing: "missing"
            case PredictionStamp.other: "other"
            default: Int(code) < values.count ? values[Int(code)] : "\(code)"
            }
        }
    }

    public var model: String
    public var version: String
    /// Of the source model.
    public var digest: String
    /// Names of the classes; empty: their numbers.
    public var classes: [String]
    public var classCount: Int
    /// Of two classes, the one that a score speaks of; nil: there are more than two.
    public var positive: Int?
    public var threshold: Double
    /// The feature that is the money at stake.
    public var amount: String?
    public var groups: [Group]

    public init(
        model: String, version: String, digest: String, output: ModelOutput, features: [FeatureSpec], amount: String?,
        groups: [String]
    ) {
        (self.model, self.version, self.digest) = (model, version, digest)
        classes = output.classes
        classCount = max(output.columns, 2)
        positive = output.columns == 1 ? output.positive : nil
        threshold = output.threshold
        self.amount = amount
        self.groups = groups.map { name in
            let feature = features.first { $0.name == name }
            return Group(
                feature: name, values: feature?.kind == .boolean ? ["false", "true"] : feature?.categories ?? [])
        }
    }

    /// 32 bits: the same for the same meaning, on every machine.
    public var identity: UInt64 {
        var text = "\(model)\0\(version)\0\(digest)\0\(classCount)\0\(positive ?? -1)\0\(threshold)\0\(amount ?? "")"
        for name in classes { text += "\0c\(name)" }
        for group in groups { text += "\0g\(group.feature)\0\(group.values.joined(separator: "\u{1}"))" }
        return Array(text.utf8).withUnsafeBytes { SipHash(0x7365_7269_6e20_6c61, 0x6265_6c20_7375_626a).hash($0) } >> 32
    }

    /// Class of a label as it was sent; nil: there is no such class.
    func classIndex(_ label: FeedbackLabel) -> Int? {
        switch label {
        case .number(let number): return (0..<Int64(classCount)).contains(number) ? Int(number) : nil
        case .text(let name): return classes.firstIndex(of: name)
        case .flag(let flag): return classCount == 2 ? (flag ? 1 : 0) : nil
        }
    }

    /// For messages.
    var expectation: String {
        let numbers = "a class from 0 to \(classCount - 1)"
        let names = classes.prefix(8).joined(separator: ", ")
        let rest = classes.count > 8 ? " and \(classes.count - 8) more" : ""
        return classes.isEmpty ? numbers : "\(numbers), or its name: \(names)\(rest)"
    }
}
