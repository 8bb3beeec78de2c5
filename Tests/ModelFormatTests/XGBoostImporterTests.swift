// XGBoost files that are small enough to read, and what is wrong with the bad ones.

import ModelFormat
import Testing

@Suite struct XGBoostImporterTests {
    /// One tree: feature 1 at 0.5, else feature 0 by categories {1, 3}.
    static let model = """
        {"version":[3,2,0],"learner":{
        "learner_model_param":{"base_score":"[5E-1]","num_class":"0","num_feature":"2","num_target":"1"},
        "objective":{"name":"binary:logistic"},"feature_names":["a","b"],"feature_types":["c","float"],
        "attributes":{},
        "gradient_booster":{"name":"gbtree","model":{
        "gbtree_model_param":{"num_trees":"1"},"tree_info":[0],"trees":[{
        "tree_param":{"num_nodes":"5","size_leaf_vector":"1"},
        "left_children":[1,3,-1,-1,-1],"right_children":[2,4,-1,-1,-1],"split_indices":[1,0,0,0,0],
        "split_conditions":[0.5,0,0.25,-1.5,2],"default_left":[1,0,0,0,0],"split_type":[0,1,0,0,0],
        "categories_nodes":[1],"categories_segments":[0],"categories_sizes":[2],"categories":[1,3]}]}}}}
        """

    private func read(_ text: String) throws(ModelFormatError) -> ImportedModel {
        try ModelImporter.importModel(Array(text.utf8), format: .xgboostJSON)
    }

    private func replacing(_ old: String, _ new: String) -> String {
        precondition(Self.model.contains(old))
        return Self.model.replacing(old, with: new)
    }

    @Test func aModelIsReadWhole() throws {
        let imported = try read(Self.model)
        #expect(
            imported.trainerVersion == "3.2.0" && imported.objective == "binary:logistic" && imported.classCount == 2)
        #expect(imported.featureNames == ["a", "b"] && imported.categoricalFeatures == [true, false])
        let forest = imported.forest!
        #expect(forest.baseMargins == [0] && forest.categorySets == [[1, 3]] && forest.maxDepth == 2)
        func margin(_ row: [Double]) -> Double { ReferenceScorer.score(forest, row: row, rowType: .float64).margins[0] }
        #expect(margin([0, 0.5]) == 0.25, "right at the threshold")
        #expect(margin([3, 0.4]) == 2, "a member goes right")
        #expect(margin([2, .nan]) == -1.5, "missing goes left, no member goes left")
        #expect(margin([.nan, 0]) == 2, "a missing category follows default_left")
    }

    @Test func baseScoresGoThroughTheirLink() throws {
        let margins = { (text: String) throws -> [Double] in try self.read(text).forest!.baseMargins }
        #expect(try margins(replacing("[5E-1]", "2.5E-1")) == [Double(Float(-1.0986123))])
        #expect(try margins(replacing("binary:logistic", "reg:squarederror")) == [0.5])
        let poisson = Self.model.replacing("binary:logistic", with: "count:poisson").replacing("[5E-1]", with: "[1E0]")
        #expect(try margins(poisson) == [0])
        let classes = Self.model.replacing("binary:logistic", with: "multi:softprob")
            .replacing("\"num_class\":\"0\"", with: "\"num_class\":\"3\"").replacing("[5E-1]", with: "[1E-1,2E-1,-3E0]")
        #expect(try margins(classes) == [Double(Float(0.1)), Double(Float(0.2)), -3])
    }

    @Test func dartWeighsItsTreesInFloat32() throws {
        let dart = Self.model
            .replacing(
                "\"gradient_booster\":{\"name\":\"gbtree\",\"model\"",
                with: "\"gradient_booster\":{\"name\":\"dart\",\"weight_drop\":[0.1],\"gbtree\":{\"model\""
            )
            .replacing("\"categories\":[1,3]}]}}}}", with: "\"categories\":[1,3]}]}}}}}")
        let forest = try read(dart).forest!
        #expect(
            ReferenceScorer.score(forest, row: [0, 1], rowType: .float32).margins == [Double(Float(0.25) * Float(0.1))])
    }

    @Test func notesSayWhichTreesCount() throws {
        let stopped = try read(replacing("\"attributes\":{}", "\"attributes\":{\"best_iteration\":\"0\"}"))
        #expect(stopped.notes.count == 1 && stopped.notes[0].contains("best_iteration"))
    }

    @Test func hessiansAreCovers() throws {
        let old = "\"split_type\":[0,1,0,0,0]"
        let forest = try read(replacing(old, old + ",\"sum_hessian\":[9,6,3,4,2]")).forest
        // The forest's nodes stand in preorder: root, its left child and that one's leaves, the right leaf.
        #expect(forest?.trees[0].covers == [9, 6, 4, 2, 3])
        #expect(try read(Self.model).forest?.trees[0].covers == [])
        let negative = try read(replacing(old, old + ",\"sum_hessian\":[9,6,3,4,-2]"))
        #expect(negative.forest?.trees[0].covers == [])
        #expect(negative.notes.count == 1 && negative.notes[0].contains("\(Self.tree).sum_hessian"))
        let error = #expect(throws: ModelFormatError.self) {
            try read(replacing(old, old + ",\"sum_hessian\":[9,6,3]"))
        }
        #expect(error?.place == "\(Self.tree).sum_hessian")
    }

    /// Gains and weights that overflowed in training; no score depends on them.
    @Test func tokensThatAreNoJSONAreRead() throws {
        let old = "\"split_type\":[0,1,0,0,0]"
        let tokens = try read(replacing(old, old + ",\"loss_changes\":[Infinity,-Infinity,NaN,0,0]"))
        #expect(try tokens == read(Self.model))
        let name = try read(replacing("[\"a\",\"b\"]", "[\"NaN \\\"\",\"b\"]").replacing(old, with: old + ",\"x\":NaN"))
        #expect(name.featureNames == ["NaN \"", "b"])
        let leaf = #expect(throws: ModelFormatError.self) { try read(replacing("[0.5,0,0.25", "[0.5,0,NaN")) }
        #expect(leaf?.place == "\(Self.tree).split_conditions[2]")
        #expect(throws: ModelFormatError.self) { try read(replacing("[0.5,0,0.25", "[0.5,0,Nan")) }
    }

    @Test func vectorLeavesBecomeATreeForEachOutput() throws {
        let vector = Self.model.replacing("binary:logistic", with: "reg:squarederror")
            .replacing("\"num_target\":\"1\"", with: "\"num_target\":\"2\"")
            .replacing("\"size_leaf_vector\":\"1\"", with: "\"size_leaf_vector\":\"2\"")
        // From 3.2 on, a leaf's right child is its row; the leaves are nodes 2, 3 and 4.
        let rows = vector.replacing("[2,4,-1,-1,-1]", with: "[2,4,0,2,1]")
            .replacing("\"tree_param\"", with: "\"leaf_weights\":[1,2,3,4,5,6],\"tree_param\"")
        let forest = try read(rows).forest!
        #expect(forest.trees.map { $0.output } == [0, 1])
        func margins(_ forest: Forest, _ row: [Double]) -> [Double] {
            ReferenceScorer.score(forest, row: row, rowType: .float64).margins
        }
        #expect(margins(forest, [0, 0.5]) == [1.5, 2.5] && margins(forest, [3, 0]) == [3.5, 4.5])
        #expect(margins(forest, [2, 0]) == [5.5, 6.5])
        let nodes = vector.replacing(
            "\"tree_param\"", with: "\"base_weights\":[0,0,0,0,1,2,5,6,3,4],\"tree_param\"")
        #expect(try read(nodes).forest == forest, "before 3.2, by node")
        let error = #expect(throws: ModelFormatError.self) {
            try read(rows.replacing("[2,4,0,2,1]", with: "[2,4,0,3,1]"))
        }
        #expect(error?.place == "\(Self.tree).right_children[3]")
    }

    @Test func linearModelsAddTheirTermsInOrder() throws {
        let booster = "\"gradient_booster\""
        let head = String(Self.model[..<Self.model.firstRange(of: booster)!.lowerBound])
        let text = head + booster + ":{\"name\":\"gblinear\",\"model\":{\"weights\":[2,-3,0.5]}}}}"
        let imported = try read(text)
        guard case .pipeline = imported.model else {
            Issue.record("gblinear is a pipeline")
            return
        }
        func margin(_ row: [Double]) -> Double {
            ReferenceScorer.score(imported.model, row: row, rowType: .float32).margins[0]
        }
        #expect(margin([1, 2]) == -3.5 && margin([.nan, 2]) == -5.5 && margin([.nan, .nan]) == 0.5)
        // In this order the small term is lost, in any other it is not.
        #expect(margin([5e7, 100_000_000.0 / 3]) == Double((Float(0.5) + 1e8) + Float(-3) * Float(100_000_000.0 / 3)))
        let error = #expect(throws: ModelFormatError.self) { try read(text.replacing("[2,-3,0.5]", with: "[2,-3]")) }
        #expect(error?.place == "learner.gradient_booster.model.weights")
    }

    @Test func numbersAsCategoriesAreNamed() throws {
        let cats = "\"cats\":{\"enc\":[{\"type\":15,\"values\":[10,1099511627776]},{\"offsets\":[],\"values\":[]}]},"
        let imported = try read(replacing("\"tree_info\"", cats + "\"tree_info\""))
        #expect(imported.categories == [["10", "1099511627776"], []])
    }

    static let tree = "learner.gradient_booster.model.trees[0]"

    /// What is replaced, by what, and the place and words of the error.
    static let hostile: [(old: String, new: String, place: String, words: String)] = [
        ("[1,3,-1,-1,-1]", "[1,0,-1,-1,-1]", "\(tree).left_children[1]", "1 to 4"),
        ("[1,3,-1,-1,-1]", "[1,1,-1,-1,-1]", "\(tree).left_children[1]", "reached twice"),
        ("[2,4,-1,-1,-1]", "[1,4,-1,-1,-1]", "\(tree).left_children[1]", "reached twice"),
        ("[2,4,-1,-1,-1]", "[2,5,-1,-1,-1]", "\(tree).right_children[1]", "1 to 4"),
        ("[2,4,-1,-1,-1]", "[2,-7,-1,-1,-1]", "\(tree).right_children[1]", "1 to 4"),
        ("[2,4,-1,-1,-1]", "[2,4,-1,-1]", "\(tree).right_children", "5 elements"),
        ("[2,4,-1,-1,-1]", "[2,4,-1,-1,99999999999]", "\(tree).right_children[4]", "32 bits"),
        ("[2,4,-1,-1,-1]", "\"x\"", "\(tree).right_children", "an array, is a string"),
        (
            "[1,0,0,0,0],\n\"split_conditions\"", "[2,0,0,0,0],\n\"split_conditions\"", "\(tree).split_indices[0]",
            "0 to 1"
        ),
        ("[0.5,0,0.25", "[0.5,0,1e39", "\(tree).split_conditions[2]", "finite"),
        ("\"default_left\":[1", "\"default_left\":[2", "\(tree).default_left[0]", "0 or 1"),
        ("\"num_nodes\":\"5\"", "\"num_nodes\":\"999999999\"", "\(tree).tree_param.num_nodes", "whole number"),
        ("\"num_nodes\":\"5\"", "\"num_nodes\":\"4000000\"", "\(tree).left_children", "4000000 elements"),
        (
            "\"size_leaf_vector\":\"1\"", "\"size_leaf_vector\":\"3\"", "\(tree).tree_param.size_leaf_vector",
            "number of outputs"
        ),
        ("\"split_type\":[0,1", "\"split_type\":[1,1", "\(tree).split_type[0]", "no set"),
        ("\"categories_sizes\":[2]", "\"categories_sizes\":[3]", "\(tree).categories_segments[0]", "within"),
        ("\"categories\":[1,3]", "\"categories\":[1,16777216]", "\(tree).categories[1]", "0 to 16777215"),
        (
            "\"num_trees\":\"1\"", "\"num_trees\":\"2\"", "learner.gradient_booster.model.gbtree_model_param.num_trees",
            "number of trees"
        ),
        ("\"tree_info\":[0]", "\"tree_info\":[1]", "learner.gradient_booster.model.tree_info[0]", "0 to 0"),
        ("\"tree_info\":[0]", "\"tree_info\":[]", "learner.gradient_booster.model.tree_info", "1 elements"),
        ("\"num_feature\":\"2\"", "\"num_feature\":\"0\"", "learner.learner_model_param.num_feature", "1 to"),
        ("\"num_feature\":\"2\"", "\"num_feature\":\"2147483647\"", "learner.learner_model_param.num_feature", "1 to"),
        ("[5E-1]", "[nan]", "learner.learner_model_param.base_score", "finite"),
        ("[5E-1]", "[5E-1,5E-1]", "learner.learner_model_param.base_score", "one number"),
        ("[5E-1]", "[1.5]", "learner.learner_model_param.base_score", "range"),
        ("binary:logistic", "binary:unheard", "learner.objective.name", "not supported"),
        ("\"name\":\"gbtree\"", "\"name\":\"gblinear\"", "learner.gradient_booster.model", "`weights` is missing"),
        ("\"feature_names\":[\"a\",\"b\"]", "\"feature_names\":[\"a\"]", "learner.feature_names", "2 features"),
        ("\"objective\"", "\"objektive\"", "learner", "`objective` is missing"),
        ("\"tree_info\":[0]", "\"tree_info\":[0],\"tree_info\":[0]", "tree_info", "twice"),
    ]

    @Test(arguments: hostile.indices)
    func hostileFilesAreRefusedByPlace(index: Int) {
        let (old, new, place, words) = Self.hostile[index]
        let error = #expect(throws: ModelFormatError.self) { try read(replacing(old, new)) }
        #expect(error?.place == place)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test func brokenJSONNamesItsByte() {
        let error = #expect(throws: ModelFormatError.self) { try read(String(Self.model.prefix(100))) }
        #expect(error?.place.hasPrefix("byte ") == true)
        let deep = "{\"learner\":" + String(repeating: "[", count: 100_000)
        #expect(throws: ModelFormatError.self) { try read(deep) }
    }
}
