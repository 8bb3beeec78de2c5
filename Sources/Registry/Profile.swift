// profile.json: how the training data was distributed, for drift later; here its shape is checked.
//
// Every row of the training data falls into exactly one bin, category or rest of each feature, so
// the counts must add up to the rows.

public import Configuration
internal import Inference
internal import JSON

public struct Profile: Sendable, Equatable {
    public static let fileName = "profile.json"
    static let bytesMax = 64 << 20
    static let binsMax = 10
    static let scoreBinsMax = 16
    static let categoriesMax = 50

    /// Counts between edges: bin i is [edges[i], edges[i+1]), the last one closed.
    public struct Histogram: Sendable, Equatable {
        public var edges: [Double]
        public var counts: [Int]
    }

    /// A name and how often it was seen.
    public struct CategoryCount: Sendable, Equatable {
        public var name: String
        public var count: Int
    }

    public enum Distribution: Sendable, Equatable {
        case number(Histogram, underflow: Int, overflow: Int)
        case category([CategoryCount], other: Int)
    }

    public struct Feature: Sendable, Equatable {
        public var name: String
        public var distribution: Distribution
        public var missing: Int
    }

    public struct Score: Sendable, Equatable {
        public var output: String
        public var histogram: Histogram
    }

    public var rows: Int
    public var modelDigest: SHA256Digest
    public var features: [Feature]
    /// One, or one for each class.
    public var scores: [Score]

    /// - Parameter source: the file's name in errors.
    public static func parse(_ bytes: [UInt8], source: String) throws(ConfigurationError) -> Profile {
        let place = JSONPlace(source: source)
        guard bytes.count <= bytesMax else { throw place.error("has more than \(bytesMax) bytes") }
        var parser = JSONParser(maxBytes: bytes.count)
        let root: JSONValue
        do { root = try parser.parse(copying: bytes) } catch {
            throw place.error("is not JSON at byte \(error.offset): \(error.message)")
        }
        let fields = try JSONFields(root, known: ["schema", "rows", "model_sha256", "features", "score"], place: place)
        guard try fields.count("schema") == 1 else { throw place.member("schema").error("expected 1") }
        guard let digest = try SHA256Digest(hex: fields.text("model_sha256")) else {
            throw place.member("model_sha256").error("expected 64 hexadecimal digits")
        }
        let rows = try fields.count("rows")
        return try Profile(
            rows: rows, modelDigest: digest,
            features: items(fields.required("features"), place: place.member("features")) {
                (value, place) throws(ConfigurationError) in try feature(value, rows: rows, place: place)
            },
            scores: scores(fields.required("score"), place: place.member("score")))
    }

    private static func items<Item>(
        _ value: JSONValue, place: JSONPlace, _ read: (JSONValue, JSONPlace) throws(ConfigurationError) -> Item
    ) throws(ConfigurationError) -> [Item] {
        guard let array = value.asArray else { throw place.error("expected an array") }
        var items: [Item] = []
        for element in array { items.append(try read(element, place.item(items.count))) }
        return items
    }

    private static func scores(_ value: JSONValue, place: JSONPlace) throws(ConfigurationError) -> [Score] {
        if value.asArray != nil { return try items(value, place: place, score) }
        return [try score(value, place: place)]
    }

    private static func score(_ value: JSONValue, place: JSONPlace) throws(ConfigurationError) -> Score {
        let fields = try JSONFields(value, known: ["output", "edges", "counts"], place: place)
        return try Score(output: fields.text("output"), histogram: histogram(fields, binsMax: scoreBinsMax))
    }
}

extension Profile {
    private static let numberKeys = ["name", "kind", "edges", "counts", "underflow", "overflow", "missing"]
    private static let categoryKeys = ["name", "kind", "counts", "other", "missing"]

    private static func feature(
        _ value: JSONValue, rows: Int, place: JSONPlace
    ) throws(ConfigurationError) -> Feature {
        let feature: Feature
        let total: Int?
        switch value["kind"]?.asString {
        case "number":
            let fields = try JSONFields(value, known: numberKeys, place: place)
            let histogram = try histogram(fields, binsMax: binsMax)
            let (underflow, overflow) = try (fields.count("underflow"), fields.count("overflow"))
            feature = try Feature(
                name: fields.text("name"), distribution: .number(histogram, underflow: underflow, overflow: overflow),
                missing: fields.count("missing"))
            total = sum(histogram.counts + [underflow, overflow, feature.missing])
        case "category":
            let fields = try JSONFields(value, known: categoryKeys, place: place)
            let counts = try categoryCounts(fields.required("counts"), place: place.member("counts"))
            let other = try fields.count("other")
            feature = try Feature(
                name: fields.text("name"), distribution: .category(counts, other: other),
                missing: fields.count("missing"))
            total = sum(counts.map(\.count) + [other, feature.missing])
        default: throw place.member("kind").error("expected number or category")
        }
        guard total == rows else { throw place.error("counts must add up to the \(rows) rows") }
        return feature
    }

    /// nil: beyond 64 bits.
    private static func sum(_ counts: [Int]) -> Int? {
        var total = 0
        for count in counts {
            let (next, overflow) = total.addingReportingOverflow(count)
            if overflow { return nil }
            total = next
        }
        return total
    }

    private static func categoryCounts(
        _ value: JSONValue, place: JSONPlace
    ) throws(ConfigurationError) -> [CategoryCount] {
        guard let object = value.asObject else { throw place.error("expected an object") }
        var counts: [CategoryCount] = []
        for member in object {
            let name = member.name.asString ?? ""
            guard !counts.contains(where: { $0.name == name }) else { throw place.error("a category stands twice") }
            counts.append(CategoryCount(name: name, count: try place.member(name).count(member.value)))
            guard counts.count <= categoriesMax else {
                throw place.error("expected at most \(categoriesMax) categories")
            }
        }
        return counts
    }

    private static func histogram(_ fields: JSONFields, binsMax: Int) throws(ConfigurationError) -> Histogram {
        let edges = try fields.numbers("edges")
        let place = fields.place.member("counts")
        guard let array = try fields.required("counts").asArray else { throw place.error("expected an array") }
        var counts: [Int] = []
        for element in array { counts.append(try place.item(counts.count).count(element)) }
        guard counts.count == max(0, edges.count - 1), counts.count <= binsMax else {
            throw place.error("expected one count between each two edges, at most \(binsMax)")
        }
        // A constant feature has one bin between equal edges.
        let ascending = zip(edges, edges.dropFirst()).allSatisfy { $0 < $1 }
        guard ascending || (edges.count == 2 && edges[0] == edges[1]) else {
            throw fields.place.member("edges").error("expected ascending numbers; equal edges are merged")
        }
        return Histogram(edges: edges, counts: counts)
    }

    /// Throws where the profile is of another model or of other features.
    func compare(
        with manifest: Manifest, modelDigest: SHA256Digest, source: String
    ) throws(ConfigurationError) {
        let place = JSONPlace(source: source)
        guard self.modelDigest == modelDigest else {
            throw place.member("model_sha256").error("is of another model than \(manifest.modelFile)")
        }
        guard features.map(\.name) == manifest.features.map(\.name) else {
            throw place.member("features").error("expected the manifest's features in the manifest's order")
        }
        for (index, (mine, stated)) in zip(features, manifest.features).enumerated() {
            if case .category = mine.distribution, stated.kind != .category {
                throw place.member("features").item(index).error("is a category here and not in the manifest")
            }
        }
    }
}
