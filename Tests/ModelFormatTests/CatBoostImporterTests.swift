// CatBoost files that are small enough to read, and what is wrong with the bad ones.

import Testing

@testable import ModelFormat

@Suite struct CatBoostImporterTests {
    /// `a` at 0.5 and 1.5, `b` one-hot, one counter of `c`; one oblivious tree over all three.
    static let model = """
        {"ctr_data":{"C":{"counter_denominator":9,"hash_map":["7",4,"18446744073709551615",3],"hash_stride":2}},
        "features_info":{
        "float_features":[{"borders":[0.5,1.5],"feature_id":"a","feature_index":0,"flat_feature_index":0,
        "has_nans":true,"nan_value_treatment":"AsTrue"}],
        "categorical_features":[{"feature_id":"b","feature_index":0,"flat_feature_index":1,"values":[HASH1]},
        {"feature_id":"c","feature_index":1,"flat_feature_index":2}],
        "ctrs":[{"borders":[0.25],"ctr_type":"Counter","elements":[{"cat_feature_index":1,
        "combination_element":"cat_feature_value"}],"identifier":"C","prior_denomerator":1,"prior_numerator":0.5,
        "scale":15,"shift":0,"target_border_idx":0}]},
        "model_info":{"catboost_version_info":"Branch: tags/v1.2.10\\n","params":{
        "cat_feature_params":{"simple_ctrs":[{"ctr_type":"Borders","target_binarization":{"border_count":1}}]},
        "loss_function":{"params":{"border":"0.5"},"type":"Logloss"}}},
        "oblivious_trees":[{"leaf_values":[0,1,2,3,4,5,6,7],"leaf_weights":[1,2,3,4,5,6,7,8],"splits":[
        {"border":1.5,"float_feature_index":0,"split_index":1,"split_type":"FloatFeature"},
        {"cat_feature_index":0,"split_index":2,"split_type":"OneHotFeature","value":HASH1},
        {"border":0.25,"ctr_target_border_idx":0,"split_index":3,"split_type":"OnlineCtr"}]}],
        "scale_and_bias":[2,[-1]]}
        """
        .replacing("HASH1", with: hash)

    /// CatBoost's hash of "1", signed.
    static let hash = "1121341681"

    /// Without the counter: two splits.
    static let forest =
        String(model[..<model.firstRange(of: ",\n{\"border\":0.25,\"ctr")!.lowerBound])
        .replacing("[0,1,2,3,4,5,6,7]", with: "[0,1,2,3]").replacing("[1,2,3,4,5,6,7,8]", with: "[1,2,3,4]")
        + "]}],\"scale_and_bias\":[2,[-1]]}"

    private func read(_ text: String, categories: [[String]] = []) throws(ModelFormatError) -> ImportedModel {
        try ModelImporter.importModel(Array(text.utf8), categories: categories)
    }

    private func replacing(_ old: String, _ new: String, in text: String = Self.model) -> String {
        precondition(text.contains(old), "\(old)")
        return text.replacing(old, with: new)
    }

    private func margin(_ imported: ImportedModel, _ row: [Double]) -> Double {
        ReferenceScorer.score(imported.model, row: row, rowType: .float64).margins[0]
    }

    @Test func aForestIsReadWhole() throws {
        let imported = try read(Self.forest)
        #expect(imported.format == .catboost && imported.trainerVersion == "1.2.10")
        #expect(imported.objective == "Logloss:border=0.5" && imported.classCount == 2)
        #expect(imported.featureNames == ["a", "b", "c"] && imported.categoricalFeatures == [false, true, true])
        let forest = imported.forest!
        #expect(forest.transform == .sigmoid(scale: 1) && forest.categorySets == [[1]] && forest.featureCount == 3)
        #expect(forest.trees[0].covers == [10, 3, 1, 2, 7, 3, 4], "sums of the leaves' weights, in preorder")
        #expect(forest.trees[0].nodes.map { $0.feature } == [1, 0, -1, -1, 0, -1, -1], "the last split asks first")
        #expect(margin(imported, [1.5, 0, 0]) == -1, "left at the border; leaf 0")
        #expect(margin(imported, [1.6, 0, 0]) == 1, "right above it; leaf 1")
        #expect(margin(imported, [.nan, 0, 0]) == 1, "AsTrue: missing goes right")
        #expect(margin(imported, [0, 1.5, 0]) == 3, "a fraction is cut; the one-hot value goes right; leaf 2")
        #expect(margin(imported, [0, .nan, 0]) == -1, "missing is another category")
    }

    @Test func missingFollowsTheTreatment() throws {
        for (old, new) in [("AsTrue", "AsFalse"), ("AsTrue", "AsIs"), ("\"has_nans\":true", "\"has_nans\":false")] {
            #expect(margin(try read(replacing(old, new, in: Self.forest)), [.nan, 0, 0]) == -1, "\(new)")
        }
    }

    @Test func listedNamesTakeCodes() throws {
        let named = try read(Self.forest, categories: [[], ["x", "y", "1"]])
        #expect(named.forest!.categorySets == [[2]] && named.categories == [[], ["x", "y", "1"], []])
        let unknown = try read(replacing(Self.hash, "77", in: Self.forest))
        #expect(unknown.forest == nil && unknown.notes.count == 1 && unknown.notes[0].contains("feature b: 1 of"))
        let error = #expect(throws: ModelFormatError.self) { try read(Self.forest, categories: [[], [], [], ["x"]]) }
        #expect(error?.message == "has 3 features, 4 are listed")
    }

    @Test func namesOfTheFileTakeCodes() throws {
        func pair(_ name: String) -> String { "{\"hash\":\(CategoryHash.hash(name)),\"value\":\"\(name)\"}" }
        let pairs = "\"cat_features_hash\":[\(pair("FR")),\(pair("1")),\(pair("DE")),\(pair("17"))],\"ctrs\":["
        let key = CategoryHash.combine(0, CategoryHash.element(CategoryHash.hash("FR")))
        let named = replacing("\"ctrs\":[", pairs).replacing("\"7\"", with: "\"\(key)\"")
            .replacing("\"values\":[", with: "\"values\":[\(Int32(bitPattern: CategoryHash.hash("DE"))),")
            .replacing("\"split_index\":3", with: "\"split_index\":4")
            .replacing("\"split_index\":2", with: "\"split_index\":3")
        #expect(try read(named).categories == [[], ["1", "DE"], ["FR"]])
        #expect(try read(named, categories: [[], [], ["x"]]).categories == [[], ["1", "DE"], ["x"]])
        #expect(
            try read(replacing("\"ctrs\":[", pairs)).categories == [[], [], []], "whole numbers are codes themselves")
        let wrong = replacing("\"ctrs\":[", "\"cat_features_hash\":[{\"hash\":7,\"value\":\"1\"}],\"ctrs\":[")
        let error = #expect(throws: ModelFormatError.self) { try read(wrong) }
        #expect(error?.place == "features_info.cat_features_hash[0].value")
    }

    @Test func aCounterIsAStage() throws {
        let imported = try read(Self.model)
        guard case .pipeline(let pipeline) = imported.model else {
            Issue.record("no pipeline")
            return
        }
        #expect(pipeline.stages.map { $0.name } == ["counters", "forest", "transform"])
        // No category has key 7, so all rows see the empty value: (0 + 0.5) / (9 + 1) × 15 = 0.75.
        let values = ReferenceScorer.values(of: pipeline, row: [0, 1, 5], rowType: .float64)
        #expect(values[1] == [0, 0.75], "the place among one-hot values, the counter")
        #expect(values[2] == [11], "leaf 6 × 2 - 1")
        #expect(ReferenceScorer.values(of: pipeline, row: [0, 3, 5], rowType: .float64)[1][0] == 1, "none of them")
    }

    /// Types that CatBoost trains on a GPU only have the statistics of others.
    @Test(arguments: [("Counter", "FeatureFreq"), ("BinarizedTargetMeanValue", "FloatTargetMeanValue")])
    func typesOfTheGPUCountAlike(type: String, twin: String) throws {
        for fixture in try CatBoostFixture.all() where ["ctr-counter", "ctr-means"].contains(fixture.kind) {
            let text = String(decoding: try fixture.bytes(), as: UTF8.self)
            guard text.contains("\"ctr_type\":\"\(type)\"") else { continue }
            let model = try read(text, categories: fixture.categories).model
            #expect(try read(text.replacing(type, with: twin), categories: fixture.categories).model == model)
            return
        }
        Issue.record("no fixture has a counter of type \(type)")
    }

    @Test func nonSymmetricTreesAreNested() throws {
        let nested = """
            [{"split":{"border":0.5,"float_feature_index":0,"split_index":0,"split_type":"FloatFeature"},
            "left":{"value":1.5,"weight":3},"right":{
            "split":{"border":1.5,"float_feature_index":0,"split_index":1,"split_type":"FloatFeature"},
            "left":{"value":2,"weight":4},"right":{"value":3,"weight":5}}}]
            """
        let head = Self.forest[..<Self.forest.firstRange(of: "\"oblivious_trees\"")!.lowerBound]
        let imported = try read(head + "\"scale_and_bias\":[1,0],\"trees\":\(nested)}")
        #expect(imported.forest!.trees[0].covers == [12, 3, 9, 4, 5])
        #expect([0, 1, 2].map { margin(imported, [$0, 0, 0]) } == [1.5, 2, 3])
        let error = #expect(throws: ModelFormatError.self) {
            try read(head + "\"trees\":" + nested.replacing("\"value\":2,", with: "\"value\":[2,1],") + "}")
        }
        #expect(error?.place == "trees[0].right.left.value")
    }

    @Test func classesTakeTheirLabelsOrder() throws {
        let classes = replacing(
            "\"params\":{\"border\":\"0.5\"},\"type\":\"Logloss\"", "\"type\":\"MultiClass\"", in: Self.forest
        )
        .replacing("[2,[-1]]", with: "[1,[0,0]]").replacing("[0,1,2,3]", with: "[0,9,1,8,2,7,3,6]")
        .replacing(
            "\"model_info\":{",
            with: "\"model_info\":{\"class_params\":{\"class_names\":[5,4],"
                + "\"class_to_label\":[1,0],\"classes_count\":0},")
        let imported = try read(classes)
        let (margins, _) = ReferenceScorer.score(imported.model, row: [2, 0, 0], rowType: .float64)
        #expect(margins == [8, 1] && imported.classCount == 2)
        let absent = classes.replacing("\"classes_count\":0", with: "\"classes_count\":3")
        let error = #expect(throws: ModelFormatError.self) { try read(absent) }
        #expect(error?.place == "model_info.class_params" && error?.message.contains("3 classes are declared") == true)
    }

    static let split = "oblivious_trees[0].splits"

    /// What is replaced, by what, and the place and words of the error.
    static let hostile: [(old: String, new: String, place: String, words: String)] = [
        ("\"features_info\"", "\"features_info2\"", "", "`features_info` is missing"),
        ("\"oblivious_trees\"", "\"oblivious_trees2\"", "", "`oblivious_trees` or `trees`"),
        ("\"float_features\"", "\"text_features\"", "features_info.text_features", "text and embedding"),
        ("[0.5,1.5]", "[1.5,0.5]", "features_info.float_features[0].borders[1]", "ascending"),
        ("[0.5,1.5]", "[0.5,1e39]", "features_info.float_features[0].borders[1]", "float32"),
        ("AsTrue", "AsNever", "features_info.float_features[0].nan_value_treatment", "AsIs, AsFalse or AsTrue"),
        ("\"flat_feature_index\":1", "\"flat_feature_index\":0", "features_info.categorical_features[0]", "twice"),
        ("\"feature_index\":1", "\"feature_index\":0", "features_info.categorical_features[1]", "twice"),
        (
            "\"flat_feature_index\":2", "\"flat_feature_index\":65536",
            "features_info.categorical_features[1].flat_feature_index", "0 to 65535"
        ),
        ("\"split_index\":1", "\"split_index\":0", "\(split)[0].split_index", "another split"),
        ("\"split_index\":1", "\"split_index\":4", "\(split)[0].split_index", "0 to 3"),
        ("\"split_index\":3", "\"split_index\":2", "\(split)[2].split_index", "another split"),
        (
            "\"split_type\":\"OnlineCtr\"", "\"split_type\":\"EstimatedFeature\"", "\(split)[2].split_type",
            "not supported"
        ),
        ("{\"border\":1.5", "{\"border\":1.25", "\(split)[0].split_index", "another split"),
        ("[0,1,2,3,4,5,6,7]", "[0,1,2,3,4,5,6]", "oblivious_trees[0].leaf_values", "8 leaves"),
        ("[0,1,2,3,4,5,6,7]", "[0,1,2,3,4,5,6,1e999]", "byte", ""),
        ("[1,2,3,4,5,6,7,8]", "[1,2,3]", "oblivious_trees[0].leaf_weights", "8 elements"),
        ("[1,2,3,4,5,6,7,8]", "[1,2,3,4,5,6,7,-8]", "oblivious_trees[0].leaf_weights", "negative"),
        ("[2,[-1]]", "[2,[-1,0]]", "scale_and_bias", "1 values"),
        ("[2,[-1]]", "[2]", "scale_and_bias", "2 elements"),
        ("\"ctr_type\":\"Counter\"", "\"ctr_type\":\"Mystery\"", "features_info.ctrs[0].ctr_type", "not supported"),
        (
            "\"ctr_type\":\"Counter\"", "\"ctr_type\":\"Buckets\"", "ctr_data[features_info.ctrs[0]].hash_stride",
            "at least 3"
        ),
        ("\"identifier\":\"C\"", "\"identifier\":\"D\"", "features_info.ctrs[0].identifier", "no table"),
        (
            "[{\"cat_feature_index\":1", "[{\"cat_feature_index\":5",
            "features_info.ctrs[0].elements[0].cat_feature_index", "no such"
        ),
        ("\"cat_feature_value\"", "\"text\"", "features_info.ctrs[0].elements[0].combination_element", "must be"),
        ("[\"7\",4,", "[\"x\",4,", "ctr_data[features_info.ctrs[0]].hash_map[0]", "64 bits"),
        ("[\"7\",4,", "[\"7\",-4,", "ctr_data[features_info.ctrs[0]].hash_map[1]", "count"),
        ("[\"7\",4,", "[\"7\",4,\"7\",4,", "ctr_data[features_info.ctrs[0]].hash_map[2]", "twice"),
        ("[\"7\",4,", "[\"7\",", "ctr_data[features_info.ctrs[0]].hash_stride", "must divide"),
        (
            "\"counter_denominator\":9", "\"counter_denominator\":-9",
            "ctr_data[features_info.ctrs[0]].counter_denominator", "0 to"
        ),
        ("\"scale\":15", "\"scale\":1e300", "features_info.ctrs[0].scale", "float32"),
        ("\"type\":\"Logloss\"", "\"type\":\"Unheard\"", "model_info.params.loss_function.type", "not supported"),
        (
            "\"type\":\"Logloss\"", "\"type\":\"RMSEWithUncertainty\"", "model_info.params.loss_function.type",
            "1 values"
        ),
        (
            "{\"border_count\":1}}",
            "{\"border_count\":1}},{\"ctr_type\":\"Borders\",\"target_binarization\":{\"border_count\":3}}",
            "model_info.params.cat_feature_params.simple_ctrs[1]", "one binarization"
        ),
    ]

    @Test(arguments: hostile.indices)
    func hostileFilesAreRefusedByPlace(index: Int) {
        let (old, new, place, words) = Self.hostile[index]
        let error = #expect(throws: ModelFormatError.self) {
            try ModelImporter.importModel(Array(replacing(old, new).utf8), format: .catboost)
        }
        #expect(
            place == "byte" ? error?.place.hasPrefix("byte") == true : error?.place == place, "\(error?.place ?? "")")
        #expect(words.isEmpty || error?.message.contains(words) == true, "\(error?.message ?? "")")
    }
}
