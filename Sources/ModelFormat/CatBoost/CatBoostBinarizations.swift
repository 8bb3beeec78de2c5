// The one thing that CatBoost's JSON cannot hold: two tables of one combination and type.
//
// Counters of one type can be asked for with several binarizations of the target
// (`simple_ctr=["Borders:TargetBorderCount=1", "Borders:TargetBorderCount=3"]`).  Each has its own
// table, but the file names tables by combination and type, so all but one are lost, and reading
// the file back changes the scores, in CatBoost too.

enum CatBoostBinarizations {
    /// Throws where the training parameters ask for two binarizations of one type of counter.
    static func check(_ info: ModelField?) throws(ModelFormatError) {
        guard let parameters = try info?.present("params")?.present("cat_feature_params") else { return }
        for key in ["simple_ctrs", "combinations_ctrs"] {
            if let list = try parameters.present(key) { try check(list: list) }
        }
        guard let features = try parameters.present("per_feature_ctrs") else { return }
        for key in try features.keys() { try check(list: features.member(key)) }
    }

    private static func check(list: ModelField) throws(ModelFormatError) {
        var seen: [String: String] = [:]
        for description in try list.elements() {
            guard let binarization = try description.present("target_binarization") else { continue }
            let type = try description.member("ctr_type").string()
            var words: [String] = []
            for key in try binarization.keys() { words.append("\(key) \(try binarization.member(key).value)") }
            let text = words.joined(separator: ", ")
            guard seen.updateValue(text, forKey: type) ?? text == text else {
                throw description.error(
                    "\(type) counters with several target binarizations share one table in CatBoost's JSON, so it does "
                        + "not hold the model; train with one binarization")
            }
        }
    }
}
