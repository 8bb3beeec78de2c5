// The names of categories, where the file has them: a model that was saved with its training pool.
//
//     features_info.cat_features_hash   [{hash, value}, …] of all features together
//
// A name is a feature's where the feature's one-hot values hold its hash, or a table of that feature
// alone holds its key.  Names are sorted, and a name's place is its code.  A feature whose names are
// all whole numbers has no list: there the number itself is the code.

struct CatBoostNames {
    /// Sorted.
    private let names: [String]
    /// Places in `names`, by hash and by the key that the name has in a table of its feature alone.
    private var placeOfHash: [UInt32: Int] = [:]
    private var placeOfKey: [UInt64: Int] = [:]

    init(_ info: ModelField) throws(ModelFormatError) {
        var names: [String] = []
        for pair in try info.present("cat_features_hash")?.elements() ?? [] {
            let hash = UInt32(try pair.member("hash").integer(0...Int(UInt32.max)))
            let field = try pair.member("value")
            let text = try field.string()
            guard text.utf8.count <= ModelBounds.nameBytes else {
                throw field.error("is longer than \(ModelBounds.nameBytes) bytes")
            }
            guard CategoryHash.hash(text) == hash else { throw field.error("is not the text of its hash") }
            names.append(text)
        }
        self.names = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for (place, name) in self.names.enumerated() {
            let hash = CategoryHash.hash(name)
            placeOfHash[hash] = place
            placeOfKey[CategoryHash.combine(0, CategoryHash.element(hash))] = place
        }
    }

    /// The names of each of the file's categories, index = code; empty where codes stand for themselves.
    func lists(_ features: CatBoostFeatures, _ reader: CatBoostCounterReader) -> [[String]] {
        var places = features.categories.map { feature in
            Set(feature.values.compactMap { placeOfHash[UInt32(bitPattern: $0)] })
        }
        for table in reader.tables where !names.isEmpty {
            let combination = reader.combinations[table.combination]
            guard combination.categories.count == 1, combination.borders.isEmpty, combination.equalities.isEmpty else {
                continue
            }
            places[combination.categories[0]].formUnion(table.keys.compactMap { placeOfKey[$0] })
        }
        return places.map { places in
            let own = places.sorted().map { names[$0] }
            return own.allSatisfy { Int64($0).map { "\($0)" } == $0 } ? [] : own
        }
    }
}
