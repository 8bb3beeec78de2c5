// LightGBM files that are small enough to read, and what is wrong with the bad ones.

import ModelFormat
import Testing

@Suite struct LightGBMImporterTests {
    /// Three splits: x <= 0.5 (missing type by decision_type), then categories {0, 33} of c.
    static let model = """
        tree
        version=v4
        num_class=1
        num_tree_per_iteration=1
        label_index=0
        max_feature_idx=1
        objective=binary sigmoid:1
        feature_names=x c
        feature_infos=[0:1] 0:1:33
        tree_sizes=300

        Tree=0
        num_leaves=3
        num_cat=1
        split_feature=0 1
        split_gain=1 1
        threshold=0.5 0
        decision_type=10 1
        left_child=1 -1
        right_child=-3 -2
        leaf_value=0.25 -1.5 2
        leaf_count=1 1 1
        cat_boundaries=0 2
        cat_threshold=1 2
        is_linear=0
        shrinkage=1


        end of trees

        pandas_categorical:[["DE","FR","IT"]]

        """

    private func read(_ text: String) throws(ModelFormatError) -> ImportedModel {
        try ModelImporter.importModel(Array(text.utf8), format: .lightgbm)
    }

    private func replacing(_ old: String, _ new: String) -> String {
        precondition(Self.model.contains(old))
        return Self.model.replacing(old, with: new)
    }

    private func margin(_ model: ImportedModel, _ row: [Double]) -> Double {
        ReferenceScorer.score(model.forest!, row: row, rowType: .float64).margins[0]
    }

    @Test func aModelIsReadWhole() throws {
        let imported = try read(Self.model)
        #expect(
            imported.objective == "binary sigmoid:1" && imported.classCount == 2 && imported.featureNames == ["x", "c"])
        #expect(imported.categoricalFeatures == [false, true] && imported.categories == [[], ["DE", "FR", "IT"]])
        #expect(imported.forest?.categorySets == [[0, 33]])
        #expect(margin(imported, [0.5, 0]) == 0.25, "left at the threshold, a member goes left")
        #expect(margin(imported, [0.5000001, 0]) == 2)
        #expect(margin(imported, [.nan, 33]) == 0.25, "default left")
        #expect(
            margin(imported, [0, 1]) == -1.5 && margin(imported, [0, .nan]) == -1.5
                && margin(imported, [0, 3e9]) == -1.5)
        #expect(margin(imported, [0, -0.5]) == 0.25, "the fraction is cut first")
    }

    @Test func linesMayEndAsOnWindows() throws {
        #expect(try read(Self.model.replacing("\n", with: "\r\n")) == read(Self.model))
    }

    @Test func missingTypesAreTold() throws {
        let none = try read(replacing("decision_type=10 1", "decision_type=2 1"))
        #expect(margin(none, [.nan, 1]) == -1.5, "NaN counts as 0, at most 0.5")
        let zeroRight = try read(replacing("decision_type=10 1", "decision_type=4 1"))
        #expect(
            margin(zeroRight, [0, 0]) == 2 && margin(zeroRight, [1e-36, 0]) == 2 && margin(zeroRight, [.nan, 0]) == 2)
        #expect(margin(zeroRight, [1e-34, 0]) == 0.25)
        let infinite = try read(replacing("threshold=0.5 0", "threshold=inf 0"))
        #expect(margin(infinite, [.infinity, 0]) == 0.25)
    }

    @Test func zerosAreFlushedAroundTheThreshold() throws {
        let model = try read(replacing("threshold=0.5 0", "threshold=-1e-36 0"))
        #expect(margin(model, [-1e-35, 0]) == 2, "counts as 0, above -1e-36")
        #expect(margin(model, [-1.1e-35, 0]) == 0.25)
    }

    @Test func objectivesHaveTheirTransforms() throws {
        let cases: [(String, OutputTransform)] = [
            ("binary sigmoid:0.7", .sigmoid(scale: 0.7)), ("regression", .identity), ("regression sqrt", .signedSquare),
            ("poisson", .exponential), ("cross_entropy", .sigmoid(scale: 1)), ("cross_entropy_lambda", .softplus),
            ("lambdarank", .identity), ("multiclass num_class:1", .softmax),
        ]
        for (text, transform) in cases {
            #expect(try read(replacing("binary sigmoid:1", text)).forest?.transform == transform)
        }
        #expect(try read(replacing("objective=binary sigmoid:1\n", "")).forest?.transform == .identity)
    }

    @Test func countsAreCovers() throws {
        let counted = try read(replacing("leaf_count=1 1 1", "leaf_count=4 2 3\ninternal_count=9 6"))
        #expect(counted.forest?.trees[0].covers == [9, 6, 4, 2, 3])
        #expect(try read(Self.model).forest?.trees[0].covers == [], "no internal_count")
    }

    /// Leaf 0 is 1 + 2x + 3c, leaf 1 the constant 7, leaf 2 is 5 - x.
    static let linear = """
        is_linear=1
        leaf_const=1 7 5
        num_features=2 0 1
        leaf_features=0 1   0 
        leaf_coeff=2 3   -1 
        """

    @Test func linearLeavesAreRead() throws {
        let model = try read(replacing("is_linear=0", Self.linear))
        #expect(model.forest?.trees[0].linearLeaves.count == 2, "a leaf without terms is a number")
        #expect(margin(model, [0.25, 33]) == 1 + 0.5 + 99 && margin(model, [2, 0]) == 3)
        #expect(margin(model, [0.25, 1]) == 7 && margin(model, [.nan, 33]) == 0.25, "missing: the leaf's own value")
        #expect(margin(model, [1e-36, 0]) == 1)
    }

    @Test(arguments: [
        ("num_features=2 0 1", "num_features=2 0 2", "line 28", "4 numbers, has 3"),
        ("num_features=2 0 1", "num_features=3 0 0", "line 27", "from 0 to 2"),
        ("leaf_features=0 1", "leaf_features=0 2", "line 28", "from 0 to 1"),
        ("leaf_coeff=2 3", "leaf_coeff=2 inf", "line 29", "finite"),
        ("leaf_coeff=2 3   -1 ", "", "line 12", "no leaf_coeff"),
        ("leaf_const=1 7 5", "leaf_const=1 7", "line 26", "3 numbers, has 2"),
    ])
    func hostileLinearLeavesAreRefused(old: String, new: String, place: String, words: String) {
        let text = replacing("is_linear=0", Self.linear).replacing(old, with: new)
        let error = #expect(throws: ModelFormatError.self) { try read(text) }
        #expect(error?.place == place && error?.message.contains(words) == true, "\(error?.description ?? "")")
    }

    /// What is replaced, by what, and the place and words of the error.
    static let hostile: [(old: String, new: String, place: String, words: String)] = [
        ("left_child=1 -1", "left_child=0 -1", "line 19: split 0", "reached twice"),
        ("left_child=1 -1", "left_child=1 1", "line 19: split 1", "reached twice"),
        ("left_child=1 -1", "left_child=2 -1", "line 19", "-3 to 1"),
        ("right_child=-3 -2", "right_child=-4 -2", "line 20", "-3 to 1"),
        ("right_child=-3 -2", "right_child=-1 -2", "line 19: leaf 0", "reached twice"),
        ("split_feature=0 1", "split_feature=0 2", "line 15", "0 to 1"),
        ("split_feature=0 1", "split_feature=0", "line 15", "2 numbers, has 1"),
        ("split_feature=0 1", "split_feature=0 1 1", "line 15", "has more"),
        ("split_feature=0 1\n", "", "line 12", "no split_feature"),
        ("threshold=0.5 0", "threshold=nan 0", "line 17", "finite"),
        ("threshold=0.5 0", "threshold=0x10 0", "line 17", "finite"),
        ("threshold=0.5 0", "threshold=0.5 1", "line 17", "category sets"),
        ("leaf_value=0.25 -1.5 2", "leaf_value=0.25 inf 2", "line 21", "finite"),
        ("leaf_value=0.25 -1.5 2", "leaf_value=0.25 1e999 2", "line 21", "finite"),
        ("decision_type=10 1", "decision_type=14 1", "line 18", "missing type 3"),
        ("num_leaves=3", "num_leaves=2147483647", "line 13", "whole number"),
        ("num_leaves=3", "num_leaves=1000000", "line 21", "1000000 numbers"),
        ("cat_boundaries=0 2", "cat_boundaries=0 2000000000", "line 23", "whole number"),
        ("cat_boundaries=0 2", "cat_boundaries=2 0", "line 23", "ascend"),
        ("cat_boundaries=0 2", "cat_boundaries=0 9000000", "line 24", "9000000 numbers"),
        ("is_linear=0", "is_linear=1", "line 12", "no leaf_const"),
        ("max_feature_idx=1", "max_feature_idx=2147483646", "line 6", "whole number"),
        ("feature_names=x c", "feature_names=x", "line 8", "2 words"),
        ("num_class=1", "num_class=1\nnum_class=1", "line 4", "twice"),
        ("num_class=1\n", "", "line 1", "no num_class"),
        ("binary sigmoid:1", "binary sigmoid:0", "line 7", "above 0"),
        ("binary sigmoid:1", "unheard", "line 7", "not supported"),
        ("tree_sizes=300", "tree_sizes=300 300", "line 10", "announces 2"),
        ("Tree=0", "Tree=1", "line 12", "Tree=0"),
        ("end of trees", "", "line 31", "expected Tree=1 or"),
        ("[[\"DE\"", "[[\"DE", "line 31", "expected"),
    ]

    @Test(arguments: hostile.indices)
    func hostileFilesAreRefusedByPlace(index: Int) {
        let (old, new, place, words) = Self.hostile[index]
        let error = #expect(throws: ModelFormatError.self) { try read(replacing(old, new)) }
        #expect(error?.place == place)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test func everyCutIsNoticed() {
        let end = Self.model.utf8.count - "end of trees\n\npandas_categorical:[[\"DE\",\"FR\",\"IT\"]]\n\n".utf8.count
        for length in 0..<end {
            #expect(throws: ModelFormatError.self) { try read(String(Self.model.prefix(length))) }
        }
    }
}
