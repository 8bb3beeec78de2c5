// The names of categories, where the file has them: a model that was saved with its training pool.
//
//     features_info.cat_features_hash   [{hash, value}, …] of all features together
//
// A name is a feature's where the feature's one-hot values hold its hash, or a table of that feature
// alone holds its key.  Names are sorted, and a name's place is its code.  A feature whose names are
// all whole numbers has no list: there the number itself is the code.

struct CatBoostNames {
    private struct Name {
        var text: String
        var hash: UInt32
    }

    private let names: [Name]

    init(_ info: ModelField) throws(ModelFormatError) {
        var names: [Name] = []
        for pair in try info.present("cat_features_hash")?.elements() ?? [] {
            let hash = UInt32(try pair.member("hash").integer(0...Int(UInt32.max)))
            let field = try pair.member("value")
            let text = try field.string()
            guard text.utf8.count <= ModelBounds.nameBytes else {
                throw field.error("is longer than \(ModelBounds.nameBytes) bytes")
            }
            guard CategoryHash.hash(text) == hash else { throw field.error("is not the text of its hash") }
            names.append(Name(text: text, hash: hash))
        }
        self.names = names.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
    }

    /// The names of a feature, index = code; empty where codes stand for themselves.
    ///
    /// - Parameter category: the feature's place among the file's categories.
    func list(
        _ category: Int, _ feature: CatBoostFeatures.Category, _ reader: CatBoostCounterReader
    ) -> [String] {
        guard !names.isEmpty else { return [] }
        let hashes = Set(feature.values.map { UInt32(bitPattern: $0) })
        let alone = CatBoostCounters.Combination(categories: [category], borders: [], equalities: [])
        let tables = reader.tables.filter { reader.combinations[$0.combination] == alone }
        let own = names.filter { name in
            hashes.contains(name.hash)
                || tables.contains { $0.place(of: CategoryHash.combine(0, CategoryHash.element(name.hash))) != nil }
        }
        return own.allSatisfy { Int64($0.text).map { "\($0)" } == $0.text } ? [] : own.map { $0.text }
    }
}
