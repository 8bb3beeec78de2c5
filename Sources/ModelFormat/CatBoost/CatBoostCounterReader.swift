// CatBoost's counters as the file describes them: features_info.ctrs and ctr_data.
//
//     ctrs[i]   elements ─► the combination         identifier ─► ctr_data[identifier] ─► the table
//               ctr_type, target_border_idx, prior_numerator, prior_denomerator, shift, scale, borders
//     ctr_data  hash_map    "key", statistics…, "key", statistics…   with hash_stride elements a key
//
// Combinations and tables are shared: several counters differ only in their priors.  Tables of
// means hold fractions, which CatBoost's own JSON reader cuts to whole numbers when it reads the
// file back; here they are what the trained model has.

struct CatBoostCounterReader {
    struct Counter {
        var counter: CatBoostCounters.Counter
        /// As the file numbers it, for the splits' sake.
        var targetBorder: Int
        /// Ascending float32 numbers.
        var borders: [Float]
    }

    private enum Kind: String {
        case borders = "Borders"
        case buckets = "Buckets"
        case binarizedMean = "BinarizedTargetMeanValue"
        case floatMean = "FloatTargetMeanValue"
        case counter = "Counter"
        case frequency = "FeatureFreq"
    }

    private let features: CatBoostFeatures
    /// The file's tables; nil: it has none.
    private let data: ModelField?
    private(set) var combinations: [CatBoostCounters.Combination] = []
    private(set) var tables: [CatBoostCounters.Table] = []
    private(set) var counters: [Counter] = []
    private var tableAt: [String: Int] = [:]

    init(_ root: ModelField, features: CatBoostFeatures) throws(ModelFormatError) {
        self.features = features
        data = try root.present("ctr_data")
        for field in try root.member("features_info").present("ctrs")?.elements() ?? [] { try read(field) }
    }

    private mutating func read(_ field: ModelField) throws(ModelFormatError) {
        let typeField = try field.member("ctr_type")
        guard let kind = Kind(rawValue: try typeField.string()) else {
            throw typeField.error(
                "this counter is not supported; supported are Borders, Buckets, BinarizedTargetMeanValue, "
                    + "FloatTargetMeanValue, Counter and FeatureFreq")
        }
        let borderField = try field.member("target_border_idx")
        let border = try borderField.integer(0...ModelBounds.outputs)
        let table = try table(field, kind)
        let counter = CatBoostCounters.Counter(
            table: table, numerator: try numerator(kind, border, tables[table].statistics, borderField),
            prior: try field.member("prior_numerator").float(),
            priorDenominator: try field.member("prior_denomerator").float(),
            shift: try field.member("shift").float(), scale: try field.member("scale").float())
        counters.append(Counter(counter: counter, targetBorder: border, borders: try borders(field)))
    }

    private func borders(_ field: ModelField) throws(ModelFormatError) -> [Float] {
        guard let bordersField = try field.present("borders") else { return [] }
        let borders = try bordersField.numbers().map { Float($0) }
        for place in borders.indices {
            guard borders[place].isFinite, place == 0 || borders[place - 1] < borders[place] else {
                throw ModelFormatError("\(bordersField.place)[\(place)]", "borders must be ascending float32 numbers")
            }
        }
        return borders
    }

    private func numerator(
        _ kind: Kind, _ border: Int, _ statistics: CatBoostCounters.Statistics, _ field: ModelField
    ) throws(ModelFormatError) -> CatBoostCounters.Numerator {
        guard case .classes(let classes, _) = statistics else { return .all }
        let isBorder = kind == .borders
        guard border < (isBorder ? classes - 1 : classes) else {
            throw field.error("must be below \(isBorder ? classes - 1 : classes), as the table has \(classes) classes")
        }
        return isBorder ? .above(border) : .only(border)
    }

    // MARK: Combinations

    private mutating func combination(_ field: ModelField) throws(ModelFormatError) -> Int {
        var combination = CatBoostCounters.Combination(categories: [], borders: [], equalities: [])
        for element in try field.elements() {
            let kindField = try element.member("combination_element")
            switch try kindField.string() {
            case "cat_feature_value": combination.categories.append(try category(element))
            case "float_feature": combination.borders.append(try border(element))
            case "cat_feature_exact_value": combination.equalities.append(try equality(element))
            default:
                throw kindField.error("must be cat_feature_value, float_feature or cat_feature_exact_value")
            }
        }
        if let place = combinations.firstIndex(of: combination) { return place }
        combinations.append(combination)
        return combinations.count - 1
    }

    private func category(_ element: ModelField) throws(ModelFormatError) -> Int {
        let field = try element.member("cat_feature_index")
        guard let position = features.categoryAt[try field.integer(0...ModelBounds.features - 1)] else {
            throw field.error("there is no such categorical feature")
        }
        return position
    }

    private func border(_ element: ModelField) throws(ModelFormatError) -> CatBoostCounters.Border {
        let field = try element.member("float_feature_index")
        guard let position = features.numberAt[try field.integer(0...ModelBounds.features - 1)] else {
            throw field.error("there is no such float feature")
        }
        let number = features.numbers[position]
        return CatBoostCounters.Border(
            column: number.column, border: try element.member("border").float(),
            missingIsAbove: number.missing == .right)
    }

    private func equality(_ element: ModelField) throws(ModelFormatError) -> CatBoostCounters.Equality {
        let field = try element.member("value")
        let value = try field.integer(Int(Int32.min)...Int(Int32.max))
        let category = try category(element)
        guard features.categories[category].values.contains(Int32(value)) else {
            throw field.error("is not among the feature's one-hot values")
        }
        return CatBoostCounters.Equality(category: category, hash: UInt32(bitPattern: Int32(value)))
    }

    // MARK: Tables

    private mutating func table(_ field: ModelField, _ kind: Kind) throws(ModelFormatError) -> Int {
        let identifierField = try field.member("identifier")
        let identifier = try identifierField.string()
        let combination = try combination(field.member("elements"))
        if let place = tableAt[identifier] {
            guard tables[place].combination == combination, statisticsFit(kind, tables[place].statistics) else {
                throw identifierField.error("names the table of another combination or type")
            }
            return place
        }
        guard let data, let tableField = try data.optional(identifier) else {
            throw identifierField.error("`ctr_data` has no table of that name")
        }
        // The identifier is long and full of quotes: the place says which counter's table it is.
        let named = ModelField(value: tableField.value, place: "ctr_data[\(field.place)]")
        let read = try CatBoostTableReader(named).table(combination, isMean: isMean(kind), isTotal: isTotal(kind))
        tables.append(read)
        tableAt[identifier] = tables.count - 1
        return tables.count - 1
    }

    private func isMean(_ kind: Kind) -> Bool { kind == .binarizedMean || kind == .floatMean }

    private func isTotal(_ kind: Kind) -> Bool { kind == .counter || kind == .frequency }

    private func statisticsFit(_ kind: Kind, _ statistics: CatBoostCounters.Statistics) -> Bool {
        switch statistics {
        case .means: isMean(kind)
        case .totals: isTotal(kind)
        case .classes: !isMean(kind) && !isTotal(kind)
        }
    }
}
