// Tree ensembles where ONNX Runtime 1.31 departs from their definition, and traps of the format.
//
// Each expected number is worked out by hand; Tests/Fixtures/onnx/README.md lists the departures.

import Glibc
import ModelFormat
import Testing

@Suite struct ONNXTreeTests {
    /// One split: column 0 at most 0 goes to node 1, else to node 2.
    private static let stump: [(String, ONNXFile.Attribute)] = [
        ("nodes_treeids", .integers([0, 0, 0])), ("nodes_nodeids", .integers([0, 1, 2])),
        ("nodes_featureids", .integers([0, 0, 0])), ("nodes_modes", .texts(["BRANCH_LEQ", "LEAF", "LEAF"])),
        ("nodes_values", .floats([0, 0, 0])), ("nodes_truenodeids", .integers([1, 0, 0])),
        ("nodes_falsenodeids", .integers([2, 0, 0])),
    ]

    private func weights(
        _ prefix: String, _ weights: [(node: Int, target: Int, value: Float)]
    ) -> [(String, ONNXFile.Attribute)] {
        [
            ("\(prefix)_treeids", .integers(weights.map { _ in 0 })),
            ("\(prefix)_nodeids", .integers(weights.map { $0.node })),
            ("\(prefix)_ids", .integers(weights.map { $0.target })),
            ("\(prefix)_weights", .floats(weights.map { $0.value })),
        ]
    }

    private func regressor(
        _ values: [Float] = [0.25, 0.75], _ more: [(String, ONNXFile.Attribute)] = []
    ) -> ONNXFile {
        .one(
            "TreeEnsembleRegressor",
            Self.stump + weights("target", [(1, 0, values[0]), (2, 0, values[1])]) + [("n_targets", .integer(1))] + more
        )
    }

    private func classifier(
        _ leaves: [(node: Int, target: Int, value: Float)], _ more: [(String, ONNXFile.Attribute)]
    ) -> ONNXFile {
        .classifier(
            "TreeEnsembleClassifier",
            Self.stump + weights("class", leaves) + [("classlabels_int64s", .integers([0, 1]))] + more)
    }

    private func sigmoid(_ value: Double) -> Double { 1 / (1 + exp(-value)) }

    @Test func oneTargetIsTransformedToo() throws {
        // ONNX Runtime hands out 0.25: it looks at post_transform for two targets and more.
        let file = regressor([0.25, 0.75], [("post_transform", .text("LOGISTIC"))])
        #expect(abs(try file.scores([-1, 0])[0] - sigmoid(0.25)) < 1e-7)
        #expect(try regressor([0.25, 0.75], [("post_transform", .text("SOFTMAX"))]).scores([-1, 0]) == [1])
    }

    @Test func baseValuesGoToTheirOwnClass() throws {
        // ONNX Runtime gives class 1 the score of class 0 and its own base value.
        let leaves: [(node: Int, target: Int, value: Float)] = [(1, 0, 0.25), (1, 1, -0.5), (2, 0, 1), (2, 1, 2)]
        let file = classifier(
            leaves, [("post_transform", .text("LOGISTIC")), ("base_values", .floats([0.125, 4]))])
        #expect(abs(try file.scores([-1, 0])[0] - sigmoid(3.5)) < 1e-6)
    }

    @Test func aClassWithoutAWeightHasZero() throws {
        // Node 1 has a weight of class 0 alone; ONNX Runtime takes that for the only class of the model.
        let file = classifier([(1, 0, 0.25), (2, 1, 0.5)], [])
        #expect(try file.scores([-1, 0]) == [0])
        #expect(try file.scores([1, 0]) == [0.5])
    }

    @Test func oneScoreForTwoClassesIsTransformed() throws {
        // ONNX Runtime leaves SOFTMAX out; ONNX's own evaluator takes it over [-s, s].
        let file = classifier([(1, 0, -0.25), (2, 0, 0.5)], [("post_transform", .text("SOFTMAX"))])
        #expect(abs(try file.scores([1, 0])[0] - sigmoid(1)) < 1e-7)
    }

    @Test func oneScoreForTwoClassesMayBeAProbabilityOrAMargin() throws {
        #expect(try classifier([(1, 0, 0.25), (2, 0, 0.5)], []).scores([1, 0]) == [0.5])
        let logistic = classifier([(1, 0, 0.25), (2, 0, 0.5)], [("post_transform", .text("LOGISTIC"))])
        #expect(abs(try logistic.scores([1, 0])[0] - sigmoid(0.5)) < 1e-7)
        #expect(try logistic.imported().classCount == 2)
        #expect(try logistic.imported().forest?.transform == .sigmoid(scale: 1))
    }

    /// TreeEnsemble with one split and two leaves, 1 where it holds.
    private func version5(
        _ mode: UInt8, _ split: Float, transform: Int = 0, members: [Float] = [], tracks: Int = 0
    ) -> ONNXFile {
        var attributes: [(String, ONNXFile.Attribute)] = [
            ("n_targets", .integer(1)), ("aggregate_function", .integer(1)), ("post_transform", .integer(transform)),
            ("tree_roots", .integers([0])), ("nodes_featureids", .integers([0])),
            ("nodes_truenodeids", .integers([0])), ("nodes_trueleafs", .integers([1])),
            ("nodes_falsenodeids", .integers([1])), ("nodes_falseleafs", .integers([1])),
            ("nodes_missing_value_tracks_true", .integers([tracks])), ("leaf_targetids", .integers([0, 0])),
            ("nodes_modes", .tensor(.bytes([mode]))), ("nodes_splits", .tensor(.floats("", [1], [split]))),
            ("leaf_weights", .tensor(.floats("", [2], [1, 0]))),
        ]
        if !members.isEmpty {
            attributes.append(("membership_values", .tensor(.floats("", [members.count + 1], members + [.nan]))))
        }
        var file = ONNXFile.one("TreeEnsemble", attributes)
        file.opsets = [("", 18), ("ai.onnx.ml", 5)]
        return file
    }

    @Test(arguments: [(1, 1.0), (2, 0.7310585975646973)])
    func version5NumbersItsTransforms(transform: Int, expected: Double) throws {
        // 1 is SOFTMAX and 2 is LOGISTIC; ONNX Runtime has them the other way round.
        #expect(abs(try version5(0, 0, transform: transform).scores([-1, 0])[0] - expected) < 1e-6)
    }

    @Test func membersAreWholeValues() throws {
        // ONNX Runtime cuts the fraction off for sets that reach above 32.
        let file = version5(6, 0, members: [1, 33])
        let cases: [(Double, Double)] = [
            (1, 1), (1.5, 0), (33, 1), (32.999, 0), (-1, 0), (.nan, 0), (.infinity, 0),
        ]
        for (value, answer) in cases {
            #expect(try file.scores([value, 0]) == [answer], "\(value)")
        }
        #expect(try version5(6, 0, members: [0.5, -2], tracks: 1).scores([0.5, 0]) == [1])
        #expect(try version5(6, 0, members: [0.5, -2], tracks: 1).scores([.nan, 0]) == [1])
    }

    @Test(arguments: [
        (0, [1, 1, 0, 0]), (1, [1, 0, 0, 0]), (2, [0, 1, 1, 0]), (3, [0, 0, 1, 0]), (4, [0, 1, 0, 0]),
        (5, [1, 0, 1, 1]),
    ])
    func modesCompareAsTheirNamesSay(mode: Int, answers: [Double]) throws {
        // Below, on and above the split, and NaN: true for "not equal" alone, whatever tracks_true says.
        for (value, answer) in zip([Double(Float(1).nextDown), 1, 1.5, .nan], answers) {
            #expect(try version5(UInt8(mode), 1).scores([value, 0]) == [answer], "\(value)")
        }
        #expect(try version5(UInt8(mode), 1, tracks: 1).scores([.nan, 0]) == [1])
    }

    @Test func aRootMayStandAnywhere() throws {
        // ONNX Runtime begins with the node that is listed first, a leaf.
        var file = regressor()
        func reorder<Value>(_ values: [Value]) -> [Value] { [values[1], values[2], values[0]] }
        for index in file.nodes[0].attributes.indices where file.nodes[0].attributes[index].0.hasPrefix("nodes_") {
            switch file.nodes[0].attributes[index].1 {
            case .integers(let values): file.nodes[0].attributes[index].1 = .integers(reorder(values))
            case .floats(let values): file.nodes[0].attributes[index].1 = .floats(reorder(values))
            case .texts(let values): file.nodes[0].attributes[index].1 = .texts(reorder(values))
            default: break
            }
        }
        #expect(try file.scores([-1, 0]) == [0.25])
        #expect(try file.scores([1, 0]) == [0.75])
    }

    @Test func treesMayBeInterleaved() throws {
        // ONNX Runtime counts a tree each time that its nodes are taken up again.
        let file = ONNXFile.one(
            "TreeEnsembleRegressor",
            [
                ("nodes_treeids", .integers([0, 1, 0, 1, 0, 1])), ("nodes_nodeids", .integers([0, 0, 1, 1, 2, 2])),
                ("nodes_featureids", .integers([0, 1, 0, 0, 0, 0])),
                ("nodes_modes", .texts(["BRANCH_LEQ", "BRANCH_LT", "LEAF", "LEAF", "LEAF", "LEAF"])),
                ("nodes_values", .floats([0, 0, 0, 0, 0, 0])), ("nodes_truenodeids", .integers([1, 1, 0, 0, 0, 0])),
                ("nodes_falsenodeids", .integers([2, 2, 0, 0, 0, 0])), ("target_treeids", .integers([0, 0, 1, 1])),
                ("target_nodeids", .integers([1, 2, 1, 2])), ("target_ids", .integers([0, 0, 0, 0])),
                ("target_weights", .floats([1, 2, 10, 20])), ("n_targets", .integer(1)),
            ])
        #expect(try file.scores([0, 0]) == [21])
        #expect(try file.scores([1, -1]) == [12])
    }
}
