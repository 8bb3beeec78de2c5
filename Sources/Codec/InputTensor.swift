// The one tensor of a V2 request: its header, and its data as JSON or binary.
//
//     {"name":"features","shape":[rows,features],"datatype":"FP32","data":[…]}
//     {"name":…,"shape":…,"datatype":…,"parameters":{"binary_data_size":128}} … binary tail
//
// The header is checked first, so that the data is read knowing how many values of which width come.

internal import Inference
internal import JSON
internal import Primitives

struct InputTensor {
    private(set) var name: JSONValue?
    private(set) var shape: JSONValue?
    private(set) var datatype: JSONValue?
    private(set) var data: JSONValue?
    private(set) var parameters: JSONValue?

    /// Notes where the members stand.
    @inline(__always)
    init(_ tensor: JSONValue) throws(RequestError) {
        guard var object = tensor.asObject else { throw RequestFields.expected("inputs[0]", "an object", got: tensor) }
        let all = object
        var unknown = 0
        while let member = object.next() {
            let key = member.key
            if key == "name" {
                if name != nil { throw RequestFields.duplicate("inputs[0].name") }
                name = member.value
            } else if key == "shape" {
                if shape != nil { throw RequestFields.duplicate("inputs[0].shape") }
                shape = member.value
            } else if key == "datatype" {
                if datatype != nil { throw RequestFields.duplicate("inputs[0].datatype") }
                datatype = member.value
            } else if key == "data" {
                if data != nil { throw RequestFields.duplicate("inputs[0].data") }
                data = member.value
            } else if key == "parameters" {
                if parameters != nil { throw RequestFields.duplicate("inputs[0].parameters") }
                parameters = member.value
            } else {
                unknown += 1
            }
        }
        if unknown > 1 { try RequestFields.refuseDuplicates(all, "inputs[0]") }
    }

    /// Checks the header and writes the rows into the slot.
    @inline(__always)
    func decode(
        tail: UnsafeRawBufferPointer?, codec: ModelCodec, into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        try checkName(codec)
        let type = try readDatatype()
        let rows = try readShape(codec)
        let binarySize = try readBinarySize()
        if let binarySize {
            try BinaryData.decode(
                size: binarySize, tail: tail, hasData: data != nil, type: type, rows: rows, codec: codec, into: request)
            return
        }
        if let tail, !tail.isEmpty { throw Self.leftover(tail.count) }
        if type.isBinaryOnly { throw Self.binaryOnly(type) }
        guard let data, data.isKind(.array) else {
            throw RequestFields.expected("inputs[0].data", "an array", got: data)
        }
        let values = Rows.reserve(request, rows, type.valueType, codec)
        let reader = TensorReader(data, rows: rows, type: type)
        switch type.valueType {
        case .float32: try reader.read(codec, into: values.assumingMemoryBound(to: Float.self))
        case .float64: try reader.read(codec, into: values.assumingMemoryBound(to: Double.self))
        }
    }

    @inline(never)
    private static func binaryOnly(_ type: Datatype) -> RequestError {
        RequestFields.expected(
            "inputs[0].data", "\(type.name) as binary data, with parameters.binary_data_size", got: "JSON or nothing")
    }

    @inline(never)
    private static func leftover(_ count: Int) -> RequestError {
        .badRequest("binary data: expected none, as inputs[0] has no binary_data_size, got \(count) bytes")
    }

    // MARK: Header

    @inline(__always)
    private func checkName(_ codec: ModelCodec) throws(RequestError) {
        let expected = codec.inputName.bytes
        guard let bytes = name?.stringBytes, bytes.count == expected.count, equal(bytes, expected) else {
            throw nameRefusal(codec)
        }
    }

    @inline(__always)
    private func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        for index in 0..<left.count where left[index] != right[index] { return false }
        return true
    }

    @inline(never)
    private func nameRefusal(_ codec: ModelCodec) -> RequestError {
        guard let bytes = name?.stringBytes else {
            return RequestFields.expected("inputs[0].name", "'\(codec.input.name)'", got: name)
        }
        let got = RequestFields.printable(bytes).map { "'\($0)'" } ?? "another name"
        return RequestFields.expected("inputs[0].name", "'\(codec.input.name)'", got: got)
    }

    @inline(__always)
    private func readDatatype() throws(RequestError) -> Datatype {
        guard let bytes = datatype?.stringBytes, let type = Datatype(JSONKey(bytes)) else { throw datatypeRefusal() }
        return type
    }

    @inline(never)
    private func datatypeRefusal() -> RequestError {
        guard let bytes = datatype?.stringBytes else {
            return RequestFields.expected("inputs[0].datatype", Datatype.supported, got: datatype)
        }
        return RequestFields.expected(
            "inputs[0].datatype", Datatype.supported, got: Datatype.unsupportedName(JSONKey(bytes)))
    }

    /// The rows; refuses any shape but [rows, features].
    @inline(__always)
    private func readShape(_ codec: ModelCodec) throws(RequestError) -> Int {
        guard var dimensions = shape?.asArray, let rows = dimensions.next()?.asInt64,
            let features = dimensions.next()?.asInt64, dimensions.next() == nil, features == codec.featureCount
        else { throw shapeRefusal(codec) }
        try Rows.check(Int(rows), "inputs[0].shape", codec)
        return Int(rows)
    }

    @inline(never)
    private func shapeRefusal(_ codec: ModelCodec) -> RequestError {
        let expectation = "[rows, \(codec.featureCount)]"
        guard let array = shape?.asArray else {
            return RequestFields.expected("inputs[0].shape", expectation, got: shape)
        }
        if array.count > 8 {
            return RequestFields.expected("inputs[0].shape", expectation, got: "\(array.count) dimensions")
        }
        var dimensions: [String] = []
        for dimension in array {
            guard let number = dimension.asInt64 else {
                let got = dimension.asDouble == nil ? "\(dimension.kind.description)" : "a number that is not whole"
                return RequestFields.expected("inputs[0].shape", expectation, got: got + " among the dimensions")
            }
            dimensions.append(RequestFields.printable(Int(number)))
        }
        return RequestFields.expected(
            "inputs[0].shape", expectation, got: "[" + dimensions.joined(separator: ", ") + "]")
    }

    /// `binary_data_size`; nil: the data is JSON.
    @inline(__always)
    private func readBinarySize() throws(RequestError) -> Int? {
        guard let parameters = RequestFields.present(parameters) else { return nil }
        return try readParameters(parameters)
    }

    @inline(never)
    private func readParameters(_ parameters: JSONValue) throws(RequestError) -> Int? {
        guard var object = parameters.asObject else {
            throw RequestFields.expected("inputs[0].parameters", "an object", got: parameters)
        }
        if object.count > 1 { try RequestFields.refuseDuplicates(object, "inputs[0].parameters") }
        var size: Int?
        while let member = object.next() {
            if member.key == "binary_data_size" {
                guard let number = member.value.asInt64, number >= 0 else {
                    let field = "inputs[0].parameters.binary_data_size"
                    let got = member.value.asDouble == nil ? "\(member.value.kind.description)" : "another number"
                    throw RequestFields.expected(field, "a whole number from 0", got: got)
                }
                size = Int(number)
            } else if TensorParameters.isSharedMemory(member.key) {
                throw .badRequest("\(RequestFields.path("inputs[0].parameters", member.key)): not supported")
            }
        }
        return size
    }
}
