// Graphs: inputs become columns, what labels need is left out, stages are few.

import ModelFormat
import Testing

@Suite struct ONNXGraphTests {
    private func pipeline(_ file: ONNXFile) throws -> Pipeline {
        guard case .pipeline(let pipeline) = try file.imported().model else {
            throw ModelFormatError("", "is a forest")
        }
        return pipeline
    }

    private func node(_ name: String, _ inputs: [String], _ output: String) -> ONNXFile.Node {
        ONNXFile.Node(operatorName: name, inputs: inputs, outputs: [output])
    }

    /// A layer of weights 1, 2 and its bias, with an activation or without.
    private func layer(_ activation: String?) -> ONNXFile {
        var nodes = [node("MatMul", ["X", "w"], "a"), node("Add", ["a", "b"], activation == nil ? "Y" : "c")]
        if let activation { nodes.append(node(activation, ["c"], "Y")) }
        return .graph(nodes, [.floats("w", [2, 1], [1, 2]), .floats("b", [1], [0.5])])
    }

    @Test func aLayerIsOneStage() throws {
        #expect(try pipeline(layer(nil)).stages.count == 1)
        #expect(try pipeline(layer("Relu")).stages.count == 1)
        #expect(try layer("Relu").scores([1, -2]) == [0])
        #expect(try layer("Relu").scores([1, 2]) == [5.5])
    }

    @Test func marginsStandBeforeTheLastSigmoid() throws {
        let model = try layer("Sigmoid").imported().model
        let answer = ReferenceScorer.score(model, row: [1, 2], rowType: .float32)
        #expect(answer.margins == [5.5] && answer.scores[0] > 0.99 && answer.scores[0] < 1)
    }

    @Test func inputsBecomeColumnsInTheirOrder() throws {
        var file = ONNXFile.graph([
            node("Cast", ["visits"], "v"), node("Concat", ["v", "price"], "both"), node("Sum", ["both", "age"], "Y"),
        ])
        file.nodes[0].attributes = [("to", .integer(1))]
        file.nodes[1].attributes = [("axis", .integer(1))]
        file.inputs = [("price", 1, [0, 2]), ("age", 1, [0, 1]), ("visits", 7, [0, 1])]
        file.outputs = [("Y", 1, [0, 3])]
        let model = try file.imported()
        #expect(model.featureNames == ["price_0", "price_1", "age", "visits"])
        #expect(try file.scores([1.5, 2.5, 100, 7]) == [107, 101.5, 102.5])
        // A float input of a row that is float64, because there are whole numbers, is rounded.
        #expect(try file.scores([0.1, 0, 0, 16_777_217]) == [16_777_216, Double(Float(0.1)), 0])
    }

    /// Two features of strings, one-hot and by a table.
    private var texts: ONNXFile {
        var file = ONNXFile(nodes: [
            ONNXFile.Node(
                operatorName: "OneHotEncoder", inputs: ["country"], outputs: ["a"],
                attributes: [("cats_strings", .texts(["FR", "DE"])), ("zeros", .integer(1))], domain: "ai.onnx.ml"),
            ONNXFile.Node(
                operatorName: "LabelEncoder", inputs: ["city"], outputs: ["b"],
                attributes: [
                    ("keys_strings", .texts(["Paris", "Köln"])), ("values_floats", .floats([0.5, 0.25])),
                    ("default_float", .float(-1)),
                ], domain: "ai.onnx.ml"),
            node("Squeeze", ["a", "axis"], "c"), node("Concat", ["c", "b"], "Y"),
        ])
        file.constants = [.integers("axis", [1], [1])]
        file.nodes[3].attributes = [("axis", .integer(1))]
        file.inputs = [("country", 8, [0, 1]), ("city", 8, [0, 1])]
        file.outputs = [("Y", 1, [0, 3])]
        return file
    }

    @Test func stringsBecomeCodesOfTheEncodersLists() throws {
        let model = try texts.imported()
        #expect(model.categories == [["FR", "DE"], ["Paris", "Köln"]])
        #expect(model.categoricalFeatures == [true, true])
        #expect(try texts.scores([1, 1]) == [0, 1, 0.25])
        #expect(try texts.scores([.nan, .nan]) == [0, 0, -1])
    }

    @Test func theCallersCodesCount() throws {
        let given = [["DE", "AT", "FR"], []]
        let model = try ModelImporter.importModel(texts.bytes, categories: given)
        #expect(model.categories == [["DE", "AT", "FR"], ["Paris", "Köln"]])
        let scores = ReferenceScorer.score(model.model, row: [2, 0], rowType: .float32).scores
        #expect(scores == [1, 0, 0.5])
        let error = #expect(throws: ModelFormatError.self) {
            try ModelImporter.importModel(texts.bytes, categories: [["DE", "DE"]])
        }
        #expect(error?.place == "categories[0]")
    }

    @Test func whatOnlyLabelsNeedIsNotLookedAt() throws {
        var file = layer("Sigmoid")
        file.nodes.append(ONNXFile.Node(operatorName: "SVMRegressor", inputs: ["X"], outputs: ["label"], domain: "x"))
        file.outputs.insert(("label", 7, [0]), at: 0)
        #expect(try file.imported().classCount == 2)
        #expect(try pipeline(file).stages.count == 2)
    }

    @Test func aMirroredClassifierIsHalfComputed() throws {
        let file = ONNXFile.classifier(
            "LinearClassifier",
            [
                ("coefficients", .floats([-1, -2, 1, 2])), ("intercepts", .floats([-0.5, 0.5])),
                ("classlabels_strings", .texts(["no", "yes"])), ("post_transform", .text("LOGISTIC")),
            ])
        let pipeline = try pipeline(file)
        guard case .dense(let layer) = pipeline.stages[0].operation else {
            Issue.record("no dense layer")
            return
        }
        #expect(layer.outputs == 1 && layer.weights == [1, 2] && layer.bias == [0.5])
        #expect(pipeline.value(pipeline.scores).columns == 1)
        #expect(try file.imported().notes.contains { $0.contains("no, yes") })
    }

    @Test func skl2onnxIsSaidToLoseMissingDirections() throws {
        let fixture = try #require(try ONNXFixture.all().first { $0.kind == "sklearn-forest" })
        let model = try ModelImporter.importModel(path: fixture.path)
        #expect(model.notes.contains { $0.contains("skl2onnx loses") && $0.contains("export_sklearn.py") })
        let kept = try #require(try ONNXFixture.all().first { $0.kind == "exported-forest" })
        #expect(try !ModelImporter.importModel(path: kept.path).notes.contains { $0.contains("skl2onnx") })
    }

    @Test(arguments: ["exported-forest", "exported-histogram", "exported-boosting-multi", "exported-forest-targets"])
    func exportedForestsAreForests(kind: String) throws {
        let fixture = try #require(try ONNXFixture.all().first { $0.kind == kind })
        let forest = try #require(try ModelImporter.importModel(path: fixture.path).forest)
        #expect(forest.accumulation == .float64)
        // scikit-learn's trees compare float32 values; histogram gradient boosting compares doubles.
        #expect(forest.valueWidth == (kind == "exported-histogram" ? .float64 : .float32))
    }
}
