// The names of categories that a model trained on a data frame carries (XGBoost 3.1 and newer).
//
//     cats ─ enc[feature] ─┬─ offsets, values    names, as bytes, one after another
//                          └─ type, values       numbers
//
// A name's place in its list is its code.  Features without categories have an empty list.

enum XGBoostCategories {
    /// By feature; all empty where the file has no names.
    static func read(_ model: ModelField, featureCount: Int) throws(ModelFormatError) -> [[String]] {
        var categories = [[String]](repeating: [], count: featureCount)
        guard let encodings = try model.optional("cats")?.optional("enc") else { return categories }
        let count = try encodings.count()
        guard count == 0 || count == featureCount else {
            throw encodings.error("must have one entry for each of \(featureCount) features")
        }
        for feature in 0..<count { categories[feature] = try names(encodings.element(feature)) }
        return categories
    }

    private static func names(_ field: ModelField) throws(ModelFormatError) -> [String] {
        let values = try field.member("values")
        guard let offsetsField = try field.optional("offsets") else { return try numbers(values) }
        let offsets = try offsetsField.integers()
        let bytes = try values.integers().map { UInt8(truncatingIfNeeded: $0) }
        var names: [String] = []
        for index in offsets.indices.dropLast() {
            let (start, end) = (Int(offsets[index]), Int(offsets[index + 1]))
            guard 0 <= start, start <= end, end <= bytes.count, end - start <= ModelBounds.nameBytes else {
                throw ModelFormatError("\(offsetsField.place)[\(index)]", "the name must lie within `values`")
            }
            guard let name = String(validating: bytes[start..<end], as: UTF8.self) else {
                throw ModelFormatError("\(offsetsField.place)[\(index)]", "the name is not UTF-8")
            }
            names.append(name)
        }
        return names
    }

    /// Numbers as names, in all 64 bits.
    private static func numbers(_ field: ModelField) throws(ModelFormatError) -> [String] {
        switch field.value {
        case .integers(let values): return values.map { "\($0)" }
        case .numbers(let values): return values.map { "\($0)" }
        case .tape(let values):
            return (0..<values.count).map { values.areIntegers ? "\(values.integer($0))" : "\(values.number($0))" }
        case .packed(let values):
            return (0..<values.count).map {
                values.element.isInteger ? "\(values.integer($0))" : "\(values.number($0))"
            }
        default: throw field.error("must be an array of numbers, is \(field.value.kind)")
        }
    }
}
