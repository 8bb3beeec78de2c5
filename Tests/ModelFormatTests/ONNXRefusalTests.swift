// What an ONNX file must not be: each is refused with the place and what is supported.

import Foundation
import ModelFormat
import Testing

@Suite struct ONNXRefusalTests {
    private func refusal(_ file: ONNXFile, accept: [String] = []) -> ModelFormatError? {
        #expect(throws: ModelFormatError.self) { try file.imported(accept: accept) }
    }

    private func refusal(_ bytes: [UInt8]) -> ModelFormatError? {
        #expect(throws: ModelFormatError.self) { try ModelImporter.importModel(bytes, format: .onnx) }
    }

    private let scaler: [(String, ONNXFile.Attribute)] = [("offset", .floats([1, 2])), ("scale", .floats([2, 4]))]

    @Test func anOperatorThatIsNotSupportedIsNamed() {
        let error = refusal(.one("SVMClassifier", []))
        #expect(error?.place == "graph.node[0] (svmclassifier)")
        #expect(error?.message.contains("operator SVMClassifier of domain ai.onnx.ml is not supported") == true)
        #expect(error?.message.contains("TreeEnsemble") == true)
    }

    @Test func anAttributeThatIsNotKnownIsNamed() {
        let error = refusal(.one("Scaler", scaler + [("power", .float(2))]))
        #expect(error?.place == "graph.node[0] (scaler).attribute[power]")
    }

    @Test(arguments: [
        ([1.0, 2, 3], "must have 1 or 2 numbers, has 3"), ([], "must have offset and scale"),
    ])
    func anAttributeOfAnotherLengthIsRefused(offset: [Float], message: String) {
        let file = ONNXFile.one("Scaler", [("offset", .floats(offset)), ("scale", .floats([1, 1]))])
        #expect(refusal(file)?.message.contains(message) == true)
    }

    @Test func anUnknownVersionIsRefused() {
        var file = ONNXFile.one("Scaler", scaler)
        file.opsets = [("", 18), ("ai.onnx.ml", 9)]
        #expect(refusal(file)?.place == "opset_import")
        #expect(refusal(file)?.message == "version 9 of ai.onnx.ml is not supported; 1 to 5 are")
        file.opsets = [("", 18)]
        #expect(refusal(file)?.message.contains("which opset_import does not have") == true)
    }

    @Test func aFieldThatIsNotKnownIsRefused() {
        var file = ONNXFile.one("Scaler", scaler)
        var extra = ProtoWriter()
        extra.integer(77, 1)
        file.extra = extra.bytes
        #expect(refusal(file)?.message == "field 77 of ModelProto is not known to this version")
        #expect(refusal(file)?.place == "byte \(file.bytes.count - extra.bytes.count)")
    }

    @Test func rowsMustNotBeMixed() {
        let reshape = ONNXFile.Node(operatorName: "Reshape", inputs: ["X", "shape"], outputs: ["Y"])
        let error = refusal(.graph([reshape], [.integers("shape", [2], [-1, 3])]))
        #expect(error?.message == "Reshape would mix rows: [N, 2] to [-1, 3]")
        let reduce = ONNXFile.Node(operatorName: "ReduceSum", inputs: ["X", "axes"], outputs: ["Y"])
        #expect(
            refusal(.graph([reduce], [.integers("axes", [1], [0])]))?.message
                == "ReduceSum must not reduce the rows")
        let flat = ONNXFile.Node(operatorName: "ArgMax", inputs: ["X"], outputs: ["Y"])
        #expect(refusal(.graph([flat]))?.message == "ArgMax must not reduce the rows")
    }

    @Test func loopsAndCyclesAreRefused() {
        let nodes = [
            ONNXFile.Node(operatorName: "Exp", inputs: ["b"], outputs: ["a"]),
            ONNXFile.Node(operatorName: "Log", inputs: ["a"], outputs: ["b"]),
            ONNXFile.Node(operatorName: "Add", inputs: ["X", "b"], outputs: ["Y"]),
        ]
        #expect(refusal(.graph(nodes))?.message == "Exp takes `b`, which nothing before it makes")
        let twice = [nodes[0], nodes[0]].map { node in
            var node = node
            node.inputs = ["X"]
            node.outputs = ["Y"]
            return node
        }
        #expect(refusal(.graph(twice))?.message == "its output `Y` has been made before")
    }

    @Test func externalDataIsRefused() {
        var file = ONNXFile.graph(
            [ONNXFile.Node(operatorName: "Add", inputs: ["X", "c"], outputs: ["Y"])], [.floats("c", [1], [1])])
        file.outputs[0].dimensions = [0, 2]
        #expect((try? file.imported()) != nil)
        // data_location, field 14 of TensorProto, behind the tensor's other fields.
        var tensor = ProtoWriter()
        tensor.integer(1, 1)
        tensor.integer(2, 1)
        tensor.text(8, "c")
        tensor.integer(14, 1)
        var graph = ProtoWriter()
        graph.bytes(5, tensor.bytes)
        var model = ProtoWriter()
        model.integer(1, 10)
        model.bytes(7, graph.bytes)
        #expect(refusal(model.bytes)?.message.contains("external data is not supported") == true)
    }

    @Test func halfPrecisionIsAcceptedByNameOnly() throws {
        // 1.5 and -0.25 as float16.
        var file = ONNXFile.graph(
            [ONNXFile.Node(operatorName: "Mul", inputs: ["X", "c"], outputs: ["Y"])],
            [.halves("c", [2], [0x3E00, 0xB400])])
        file.inputs[0].type = 10
        file.outputs = [("Y", 10, [0, 2])]
        #expect(refusal(file)?.message.contains("`float16` in the manifest") == true)
        #expect(try file.scores([2, 4], accept: ["float16"]) == [3, -1])
        #expect(try file.imported(accept: ["float16", "probit"]).approximations == ["float16"])
        // Weights that are widened before they are used are exact.
        file.inputs[0].type = 1
        file.outputs = [("Y", 1, [0, 2])]
        let cast = ONNXFile.Node(operatorName: "Cast", inputs: ["c"], outputs: ["d"], attributes: [("to", .integer(1))])
        file.nodes.insert(cast, at: 0)
        file.nodes[1].inputs[1] = "d"
        #expect(try file.scores([2, 4]) == [3, -1])
    }

    @Test func treesThatAreNoTreesAreRefused() {
        func file(_ change: (inout [String: ONNXFile.Attribute]) -> Void) -> ONNXFile {
            var attributes: [String: ONNXFile.Attribute] = [
                "nodes_treeids": .integers([0, 0, 0]), "nodes_nodeids": .integers([0, 1, 2]),
                "nodes_featureids": .integers([0, 0, 0]), "nodes_modes": .texts(["BRANCH_LEQ", "LEAF", "LEAF"]),
                "nodes_values": .floats([0, 0, 0]), "nodes_truenodeids": .integers([1, 0, 0]),
                "nodes_falsenodeids": .integers([2, 0, 0]), "target_treeids": .integers([0, 0]),
                "target_nodeids": .integers([1, 2]), "target_ids": .integers([0, 0]),
                "target_weights": .floats([1, 2]), "n_targets": .integer(1),
            ]
            change(&attributes)
            return .one("TreeEnsembleRegressor", attributes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        }
        let cases: [(String, ONNXFile.Attribute, String)] = [
            ("nodes_featureids", .integers([2, 0, 0]), "nodes_featureids[0]"),
            ("nodes_truenodeids", .integers([7, 0, 0]), "nodes_truenodeids[0]"),
            ("nodes_truenodeids", .integers([0, 0, 0]), "nodes_nodeids[0]"),
            ("nodes_nodeids", .integers([0, 1, 1]), "nodes_nodeids"),
            ("nodes_modes", .texts(["BRANCH_LEQ", "LEAF", "TWIG"]), "nodes_modes[2]"),
            ("nodes_values", .floats([0, 0]), "nodes_values"),
            ("target_ids", .integers([0, 1]), "target_ids[1]"),
            ("target_nodeids", .integers([1, 0]), "target_nodeids[1]"),
            ("base_values", .floats([1, 2]), "base_values"),
            ("n_targets", .integer(0), "n_targets"),
            ("post_transform", .text("CUBE"), "post_transform"),
        ]
        for (name, value, place) in cases {
            let error = refusal(file { $0[name] = value })
            #expect(error?.place == "graph.node[0] (treeensembleregressor).attribute[\(place)]", "\(name): \(value)")
        }
        #expect(refusal(file { $0["nodes_values"] = .floats([.nan, 0, 0]) })?.message.contains("NaN") == true)
        let cycle = refusal(
            file {
                $0["nodes_modes"] = .texts(["BRANCH_LEQ", "BRANCH_GT", "LEAF"])
                $0["nodes_truenodeids"] = .integers([1, 0, 0])
                $0["nodes_falsenodeids"] = .integers([2, 2, 0])
                $0["target_nodeids"] = .integers([2, 2])
            })
        #expect(cycle?.message.contains("in which every node is a child") == true)
        #expect(
            refusal(file { $0["post_transform"] = .text("PROBIT") })?.message.contains("`probit` in the manifest") == true)
    }

    @Test func aSmallFileCannotAskForMuch() throws {
        func chain(_ count: Int, columns: Int, _ make: (Int) -> ONNXFile.Node) -> ONNXFile {
            var file = ONNXFile.graph((0..<count).map { make($0) })
            file.inputs[0].dimensions[1] = columns
            file.nodes[0].inputs = file.nodes[0].inputs.map { _ in "X" }
            file.nodes[count - 1].outputs = ["Y"]
            return file
        }
        let wide = chain(100, columns: 65_536) { index in
            ONNXFile.Node(operatorName: "Neg", inputs: ["v\(index)"], outputs: ["v\(index + 1)"])
        }
        #expect(refusal(wide)?.message.contains("makes the graph larger than") == true)
        let many = chain(1, columns: 65_536) { _ in
            ONNXFile.Node(operatorName: "Sum", inputs: [String](repeating: "X", count: 10_000), outputs: ["Y"])
        }
        #expect(refusal(many)?.message.contains("columns of inputs") == true)
        // A classifier's second column is looked for through many nodes, but not through all.
        var long = chain(4_000, columns: 2) { index in
            ONNXFile.Node(operatorName: "Neg", inputs: ["v\(index)"], outputs: ["v\(index + 1)"])
        }
        long.outputs.append(("label", 7, [0]))
        #expect(try long.scores([1, 2]) == [2])
        let tall = chain(40, columns: 2) { index in
            ONNXFile.Node(operatorName: "Unsqueeze", inputs: ["v\(index)", "axis"], outputs: ["v\(index + 1)"])
        }
        var unsqueezed = tall
        unsqueezed.nodes[0].inputs[1] = "axis"
        unsqueezed.constants = [.integers("axis", [1], [1])]
        #expect(refusal(unsqueezed)?.message.contains("more than 16 axes") == true)
    }

    @Test func everyPrefixOfAFileIsRefused() throws {
        let bytes = ONNXFile.one("Scaler", scaler).bytes
        var accepted = 0
        for count in 0..<bytes.count
        where (try? ModelImporter.importModel(Array(bytes[..<count]), format: .onnx)) != nil {
            accepted += 1
        }
        // Only where nothing but an import that is not used is missing.
        #expect(accepted == 0)
    }
}
