// From the bytes of an ONNX file to an `ONNXModel`.
//
// Field numbers are those of onnx.proto (IR version 3 to 13).  The place of an error is the path
// that ONNX's own tools print, and the byte: `graph.node[3] (byte 812)`.

struct ONNXReader {
    private let file: [UInt8]
    /// Nodes, tensors, attributes and strings so far, against `ModelBounds.values`.
    private var valueCount = 0

    private init(file: [UInt8]) { self.file = file }

    static func read(_ file: [UInt8]) throws(ModelFormatError) -> ONNXModel {
        var reader = ONNXReader(file: file)
        return try reader.model()
    }

    private mutating func model() throws(ModelFormatError) -> ONNXModel {
        var model = ONNXModel()
        var hasGraph = false
        var message = MessageReader("ModelProto", file: file, range: 0..<file.count, place: "")
        while let field = try message.next([
            1: .one(.varint), 2: .one(.bytes), 3: .one(.bytes), 4: .ignored, 5: .ignored, 6: .ignored, 7: .one(.bytes),
            8: .many(.bytes), 14: .ignored, 20: .refused("training information is not supported"),
            25: .refused("functions of a model are not supported"), 26: .ignored,
        ]) {
            switch field.number {
            case 1:
                let version = try message.wire.varint()
                guard (3...13).contains(version) else {
                    throw message.error("the IR version is \(version); 3 to 13 are supported", field)
                }
            case 2: model.producer = try message.wire.string()
            case 3: model.producerVersion = try message.wire.string()
            case 7:
                hasGraph = true
                model.graph = try graph(message.wire.bytes())
            default: try opset(message.wire.bytes(), into: &model)
            }
        }
        guard hasGraph else { throw ModelFormatError("graph", "is missing") }
        return model
    }

    private func opset(_ range: Range<Int>, into model: inout ONNXModel) throws(ModelFormatError) {
        var domain = ""
        var version = 0
        var message = MessageReader("OperatorSetIdProto", file: file, range: range, place: "opset_import")
        while let field = try message.next([1: .one(.bytes), 2: .one(.varint)]) {
            if field.number == 1 {
                domain = try message.wire.string()
            } else {
                version = Int(clamping: try message.wire.varint())
            }
        }
        if domain == "ai.onnx" { domain = "" }
        // skl2onnx writes the same import twice.
        if let known = model.opsets[domain], known != version {
            throw ModelFormatError("opset_import", "domain `\(domain)` has versions \(known) and \(version)")
        }
        model.opsets[domain] = version
    }

    private mutating func graph(_ range: Range<Int>) throws(ModelFormatError) -> ONNXGraph {
        var graph = ONNXGraph()
        var message = MessageReader("GraphProto", file: file, range: range, place: "graph")
        while let field = try message.next([
            1: .many(.bytes), 2: .ignored, 5: .many(.bytes), 10: .ignored, 11: .many(.bytes), 12: .many(.bytes),
            13: .ignored, 14: .refused("quantized graphs are not supported"),
            15: .refused("sparse initializers are not supported"), 16: .ignored,
        ]) {
            try count(field)
            switch field.number {
            case 1:
                let place = "graph.node[\(graph.nodes.count)]"
                graph.nodes.append(try node(message.wire.bytes(), place: place))
                guard graph.nodes.count <= ModelBounds.graphNodes else {
                    throw message.error("more than \(ModelBounds.graphNodes) nodes", field)
                }
            case 5:
                let place = "graph.initializer[\(graph.initializers.count)]"
                graph.initializers.append(try tensor(message.wire.bytes(), place: place))
            case 11:
                let place = "graph.input[\(graph.inputs.count)]"
                graph.inputs.append(try valueInfo(message.wire.bytes(), place: place))
            default:
                let place = "graph.output[\(graph.outputs.count)]"
                graph.outputs.append(try valueInfo(message.wire.bytes(), place: place))
            }
        }
        return graph
    }

    private mutating func node(_ range: Range<Int>, place: String) throws(ModelFormatError) -> ONNXNode {
        var node = ONNXNode()
        var attributes: [Range<Int>] = []
        var message = MessageReader("NodeProto", file: file, range: range, place: place)
        while let field = try message.next([
            1: .many(.bytes), 2: .many(.bytes), 3: .one(.bytes), 4: .one(.bytes), 5: .many(.bytes), 6: .ignored,
            7: .one(.bytes), 8: .refused("overloads of functions are not supported"), 9: .ignored, 10: .ignored,
        ]) {
            try count(field)
            switch field.number {
            case 1: node.inputs.append(try message.wire.string())
            case 2: node.outputs.append(try message.wire.string())
            case 3: node.name = try message.wire.string()
            case 4: node.operatorName = try message.wire.string()
            case 5: attributes.append(try message.wire.bytes())
            default: node.domain = try message.wire.string()
            }
        }
        if node.domain == "ai.onnx" { node.domain = "" }
        node.place = node.name.isEmpty ? place : "\(place) (\(node.name))"
        for range in attributes {
            let (name, value) = try attribute(range, place: node.place)
            guard node.attributes.updateValue(value, forKey: name) == nil else {
                throw ModelFormatError("\(node.place).attribute[\(name)]", "stands twice")
            }
        }
        return node
    }

    /// Counts what becomes an object in memory, so that a small file cannot ask for much.
    mutating func count(_ field: WireReader.Field) throws(ModelFormatError) {
        valueCount += 1
        guard valueCount <= ModelBounds.values else {
            throw ModelFormatError("byte \(field.position)", "more than \(ModelBounds.values) values")
        }
    }

    private func valueInfo(_ range: Range<Int>, place: String) throws(ModelFormatError) -> ONNXValueInfo {
        var info = ONNXValueInfo()
        info.place = place
        var message = MessageReader("ValueInfoProto", file: file, range: range, place: place)
        while let field = try message.next([1: .one(.bytes), 2: .one(.bytes), 3: .ignored, 4: .ignored]) {
            if field.number == 1 {
                info.name = try message.wire.string()
            } else {
                try type(message.wire.bytes(), into: &info)
            }
        }
        if !info.name.isEmpty { info.place = "\(place) (\(info.name))" }
        return info
    }

    /// TypeProto: a tensor's element and shape; anything else leaves `element` nil.
    private func type(_ range: Range<Int>, into info: inout ONNXValueInfo) throws(ModelFormatError) {
        var message = MessageReader("TypeProto", file: file, range: range, place: info.place)
        while let field = try message.next([
            1: .one(.bytes), 4: .ignored, 5: .ignored, 6: .ignored, 8: .ignored, 9: .ignored,
        ]) {
            var tensor = MessageReader(
                "TypeProto.Tensor", file: file, range: try message.wire.bytes(), place: info.place)
            while let part = try tensor.next([1: .one(.varint), 2: .one(.bytes)]) {
                if part.number == 1 {
                    info.element = try element(tensor.wire.varint(), tensor, field)
                } else {
                    info.shape = try shape(tensor.wire.bytes(), place: info.place)
                }
            }
        }
    }

    private func shape(_ range: Range<Int>, place: String) throws(ModelFormatError) -> [ONNXValueInfo.Dimension] {
        var shape: [ONNXValueInfo.Dimension] = []
        var message = MessageReader("TensorShapeProto", file: file, range: range, place: place)
        while let field = try message.next([1: .many(.bytes)]) {
            guard shape.count < 16 else { throw message.error("more than 16 dimensions", field) }
            var dimension = ONNXValueInfo.Dimension.open
            var part = MessageReader("Dimension", file: file, range: try message.wire.bytes(), place: place)
            while let field = try part.next([1: .one(.varint), 2: .ignored, 3: .ignored]) {
                let count = try part.wire.varint()
                guard count <= UInt64(ModelBounds.features) else {
                    throw part.error(
                        "a dimension is \(Int64(bitPattern: count)), not 0 to \(ModelBounds.features)", field)
                }
                dimension = .count(Int(count))
            }
            shape.append(dimension)
        }
        return shape
    }

    func element(
        _ raw: UInt64, _ message: MessageReader, _ field: WireReader.Field
    ) throws(ModelFormatError) -> ONNXElement {
        guard let element = ONNXElement(rawValue: Int(clamping: raw)) else {
            throw message.error(
                "element type \(raw) is not supported; float, double, int32, int64, bool and string are", field)
        }
        return element
    }

    var bytes: [UInt8] { file }
}
