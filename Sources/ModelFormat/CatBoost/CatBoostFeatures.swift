// The features of a CatBoost model, and where each stands in a row.
//
//     features_info ─┬─ float_features        borders, nan_value_treatment ─┐ flat_feature_index:
//                    ├─ categorical_features  values of one-hot splits ─────┴─► the row's column
//                    └─ ctrs                  counters: CatBoostCounterReader
//
// Other indices (`feature_index`) count each kind on its own; splits name features by them.

struct CatBoostFeatures {
    struct Number {
        var index: Int
        var column: Int
        /// Ascending float32 numbers.
        var borders: [Float]
        /// Where NaN goes: CatBoost puts -∞ or +∞ in its place, or (AsIs) finds it above no border.
        var missing: Forest.Missing
    }

    struct Category {
        var index: Int
        var column: Int
        /// The hashes that one-hot splits compare with.
        var values: [Int32]
    }

    private(set) var numbers: [Number] = []
    private(set) var categories: [Category] = []
    /// Positions in `numbers` and `categories` by the file's indices.
    private(set) var numberAt: [Int: Int] = [:]
    private(set) var categoryAt: [Int: Int] = [:]
    /// By column; nil: the file has no feature there.
    private var names: [Int: String] = [:]

    /// Columns of a row: up to the last one that the file knows.
    var columnCount: Int { (names.keys.max() ?? 0) + 1 }

    init(_ info: ModelField) throws(ModelFormatError) {
        for kind in ["text_features", "embedding_features"] {
            if let field = try info.present(kind), try field.count() > 0 {
                throw field.error("text and embedding features are not supported; supported are numbers and categories")
            }
        }
        for field in try info.present("float_features")?.elements() ?? [] { try readNumber(field) }
        for field in try info.present("categorical_features")?.elements() ?? [] { try readCategory(field) }
    }

    /// By column: the file's names, `f3` where it has none or only the column's number.
    var featureNames: [String] {
        (0..<columnCount).map { column in
            guard let name = names[column], name != "\(column)", !name.isEmpty else { return "f\(column)" }
            return name
        }
    }

    var categoricalColumns: [Bool] {
        var columns = [Bool](repeating: false, count: columnCount)
        for category in categories { columns[category.column] = true }
        return columns
    }

    private mutating func readNumber(_ field: ModelField) throws(ModelFormatError) {
        let column = try readColumn(field)
        let index = try field.member("feature_index").integer(0...ModelBounds.features - 1)
        let bordersField = try field.present("borders")
        let borders = try bordersField?.numbers().map { Float($0) } ?? []
        for place in borders.indices {
            guard borders[place].isFinite, place == 0 || borders[place - 1] < borders[place] else {
                throw ModelFormatError(
                    "\(bordersField?.place ?? field.place)[\(place)]", "borders must be ascending float32 numbers")
            }
        }
        guard numberAt.updateValue(numbers.count, forKey: index) == nil else {
            throw field.error("feature_index \(index) stands twice")
        }
        numbers.append(Number(index: index, column: column, borders: borders, missing: try missing(field)))
    }

    /// Without NaN in the training data CatBoost leaves NaN as it is, whatever the treatment says.
    private func missing(_ field: ModelField) throws(ModelFormatError) -> Forest.Missing {
        let treatment = try field.member("nan_value_treatment")
        switch try treatment.string() {
        case "AsIs", "AsFalse": return .left
        case "AsTrue": return try field.member("has_nans").boolean() ? .right : .left
        default: throw treatment.error("must be AsIs, AsFalse or AsTrue")
        }
    }

    private mutating func readCategory(_ field: ModelField) throws(ModelFormatError) {
        let column = try readColumn(field)
        let index = try field.member("feature_index").integer(0...ModelBounds.features - 1)
        let valuesField = try field.present("values")
        let values = try valuesField?.integers() ?? []
        guard values.count <= CatBoostCounters.oneHotValuesMax, Set(values).count == values.count else {
            throw ModelFormatError(
                valuesField?.place ?? field.place,
                "must have at most \(CatBoostCounters.oneHotValuesMax) distinct hashes")
        }
        guard categoryAt.updateValue(categories.count, forKey: index) == nil else {
            throw field.error("feature_index \(index) stands twice")
        }
        categories.append(Category(index: index, column: column, values: values))
    }

    private mutating func readColumn(_ field: ModelField) throws(ModelFormatError) -> Int {
        let column = try field.member("flat_feature_index").integer(0...ModelBounds.features - 1)
        var name = try field.present("feature_id")?.string() ?? ""
        if let nameField = try field.present("feature_name") { name = try nameField.string() }
        guard name.utf8.count <= ModelBounds.nameBytes else {
            throw field.error("the name is longer than \(ModelBounds.nameBytes) bytes")
        }
        guard names.updateValue(name, forKey: column) == nil else {
            throw field.error("flat_feature_index \(column) stands twice")
        }
        return column
    }
}
