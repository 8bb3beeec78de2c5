// Small ONNX files, written field by field, right or wrong as a test wants them.

import ModelFormat

/// Protocol Buffers' wire format, the writing half.
struct ProtoWriter {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    mutating func integer(_ field: Int, _ value: Int) {
        varint(UInt64(field) << 3)
        varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func bytes(_ field: Int, _ value: [UInt8]) {
        varint(UInt64(field) << 3 | 2)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func text(_ field: Int, _ value: String) { bytes(field, Array(value.utf8)) }

    mutating func float(_ field: Int, _ value: Float) {
        varint(UInt64(field) << 3 | 5)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    mutating func message(_ field: Int, _ build: (inout ProtoWriter) -> Void) {
        var inner = ProtoWriter()
        build(&inner)
        bytes(field, inner.bytes)
    }
}

/// A model under construction.
struct ONNXFile {
    enum Attribute {
        case float(Float)
        case integer(Int)
        case text(String)
        case floats([Float])
        case integers([Int])
        case texts([String])
        case tensor(Tensor)
    }

    struct Tensor {
        var name = ""
        var type = 1
        var dimensions: [Int]
        var raw: [UInt8] = []

        static func floats(_ name: String, _ dimensions: [Int], _ values: [Float]) -> Tensor {
            Tensor(name: name, type: 1, dimensions: dimensions, raw: values.flatMap { littleEndian($0.bitPattern) })
        }

        static func doubles(_ name: String, _ dimensions: [Int], _ values: [Double]) -> Tensor {
            Tensor(name: name, type: 11, dimensions: dimensions, raw: values.flatMap { littleEndian($0.bitPattern) })
        }

        static func integers(_ name: String, _ dimensions: [Int], _ values: [Int]) -> Tensor {
            Tensor(name: name, type: 7, dimensions: dimensions, raw: values.flatMap { littleEndian(Int64($0)) })
        }

        static func bytes(_ values: [UInt8]) -> Tensor { Tensor(type: 2, dimensions: [values.count], raw: values) }

        static func halves(_ name: String, _ dimensions: [Int], _ bits: [UInt16]) -> Tensor {
            Tensor(name: name, type: 10, dimensions: dimensions, raw: bits.flatMap { littleEndian($0) })
        }

        private static func littleEndian<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
            withUnsafeBytes(of: value.littleEndian) { Array($0) }
        }
    }

    struct Node {
        var operatorName: String
        var inputs: [String]
        var outputs: [String]
        var attributes: [(String, Attribute)] = []
        var domain = ""
    }

    var irVersion = 10
    var producer = "test"
    var opsets: [(domain: String, version: Int)] = [("", 18), ("ai.onnx.ml", 3)]
    var nodes: [Node]
    var constants: [Tensor] = []
    /// Name, element type and dimensions; 0 is open.
    var inputs: [(name: String, type: Int, dimensions: [Int])] = [("X", 1, [0, 2])]
    var outputs: [(name: String, type: Int, dimensions: [Int])] = [("Y", 1, [0, 1])]
    /// Written behind the graph, as it is.
    var extra: [UInt8] = []

    /// One operator of ai.onnx.ml from X to Y.
    static func one(_ operatorName: String, _ attributes: [(String, Attribute)], columns: Int = 2) -> ONNXFile {
        var file = ONNXFile(nodes: [
            Node(
                operatorName: operatorName, inputs: ["X"], outputs: ["Y"], attributes: attributes,
                domain: "ai.onnx.ml")
        ])
        file.inputs[0].dimensions[1] = columns
        return file
    }

    /// A classifier's operator, whose second output is the score.
    static func classifier(
        _ operatorName: String, _ attributes: [(String, Attribute)], columns: Int = 2
    ) -> ONNXFile {
        var file = one(operatorName, attributes, columns: columns)
        file.nodes[0].outputs = ["label", "Y"]
        file.outputs = [("label", 7, [0]), ("Y", 1, [0, 0])]
        return file
    }

    /// Operators of ai.onnx from X to Y.
    static func graph(_ nodes: [Node], _ constants: [Tensor] = []) -> ONNXFile {
        ONNXFile(nodes: nodes, constants: constants)
    }

    var bytes: [UInt8] {
        var writer = ProtoWriter()
        writer.integer(1, irVersion)
        writer.text(2, producer)
        writer.message(7) { graph in
            for node in nodes { graph.message(1) { Self.write(node, &$0) } }
            for constant in constants { graph.message(5) { Self.write(constant, &$0) } }
            for input in inputs { graph.message(11) { Self.write(input, &$0) } }
            for output in outputs { graph.message(12) { Self.write(output, &$0) } }
        }
        for (domain, version) in opsets {
            writer.message(8) {
                $0.text(1, domain)
                $0.integer(2, version)
            }
        }
        return writer.bytes + extra
    }

    private static func write(_ node: Node, _ writer: inout ProtoWriter) {
        for input in node.inputs { writer.text(1, input) }
        for output in node.outputs { writer.text(2, output) }
        writer.text(3, node.operatorName.lowercased())
        writer.text(4, node.operatorName)
        for (name, attribute) in node.attributes { writer.message(5) { write(name, attribute, &$0) } }
        writer.text(7, node.domain)
    }

    private static func write(_ name: String, _ attribute: Attribute, _ writer: inout ProtoWriter) {
        writer.text(1, name)
        switch attribute {
        case .float(let value):
            writer.float(2, value)
            writer.integer(20, 1)
        case .integer(let value):
            writer.integer(3, value)
            writer.integer(20, 2)
        case .text(let value):
            writer.text(4, value)
            writer.integer(20, 3)
        case .tensor(let tensor):
            writer.message(5) { write(tensor, &$0) }
            writer.integer(20, 4)
        case .floats(let values):
            for value in values { writer.float(7, value) }
            writer.integer(20, 6)
        case .integers(let values):
            for value in values { writer.integer(8, value) }
            writer.integer(20, 7)
        case .texts(let values):
            for value in values { writer.text(9, value) }
            writer.integer(20, 8)
        }
    }

    private static func write(_ tensor: Tensor, _ writer: inout ProtoWriter) {
        for dimension in tensor.dimensions { writer.integer(1, dimension) }
        writer.integer(2, tensor.type)
        writer.text(8, tensor.name)
        writer.bytes(9, tensor.raw)
    }

    private static func write(
        _ info: (name: String, type: Int, dimensions: [Int]), _ writer: inout ProtoWriter
    ) {
        writer.text(1, info.name)
        writer.message(2) { type in
            type.message(1) { tensor in
                tensor.integer(1, info.type)
                tensor.message(2) { shape in
                    for dimension in info.dimensions {
                        shape.message(1) { if dimension > 0 { $0.integer(1, dimension) } else { $0.text(2, "N") } }
                    }
                }
            }
        }
    }

    func imported(accept: [String] = []) throws -> ImportedModel {
        try ModelImporter.importModel(bytes, format: .onnx, accept: accept)
    }

    func scores(_ row: [Double], accept: [String] = []) throws -> [Double] {
        let model = try imported(accept: accept).model
        return ReferenceScorer.score(model, row: row, rowType: .float64).scores
    }
}
