// The envelope of a V2 infer request: id, parameters, inputs, outputs.
//
//     {"id":…, "parameters":{…}, "inputs":[tensor], "outputs":[{"name":…,"parameters":{…}}]}
//     ├──────── Inference-Header-Content-Length ────────┤├── binary tail ──┤
//
// Unknown keys are ignored, duplicates refused, optional fields may be null (several clients write
// them so). The members may come in any order, so the walk only notes where they stand.

public import Inference
internal import JSON
internal import Primitives

/// Where the members of the body stand.
private struct Envelope {
    var id: JSONValue?
    var parameters: JSONValue?
    var inputs: JSONValue?
    var outputs: JSONValue?
}

extension RequestDecoder {
    /// Decodes a V2 REST infer body into the slot; `padding` bytes behind `body` must be readable.
    ///
    /// `binaryHeaderLength`: the header `Inference-Header-Content-Length`, nil without one.
    public mutating func decodeV2(
        _ body: UnsafeRawBufferPointer, binaryHeaderLength: Int?, codec: ModelCodec,
        into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        request.pointee.dialect = .v2
        request.pointee.outOfRange = 0
        request.pointee.explanation = ExplanationWish()
        if binaryHeaderLength == nil, PlainBody.decode(body, codec: codec, opening: &opening, into: request) {
            OutputWishes.readNone(into: request)
            return try Rows.applyPolicies(request, codec)
        }
        try decodeStrictly(body, binaryHeaderLength: binaryHeaderLength, codec: codec, into: request)
    }

    /// Any body, through simdjson's tape; says what is wrong with it.
    mutating func decodeStrictly(
        _ body: UnsafeRawBufferPointer, binaryHeaderLength: Int?, codec: ModelCodec,
        into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        var json = body
        var tail: UnsafeRawBufferPointer?
        if let length = binaryHeaderLength {
            if length == 0 { return try decodeRaw(body, codec: codec, into: request) }
            if length < 0 || length > body.count { throw Self.headerLengthRefusal(length, body.count) }
            json = UnsafeRawBufferPointer(rebasing: body[..<length])
            tail = UnsafeRawBufferPointer(rebasing: body[length...])
        }
        let envelope = try Self.envelope(try parse(json))
        try Self.takeID(envelope.id, into: request)
        var binaryOutputs = false
        if let parameters = RequestFields.present(envelope.parameters) {
            binaryOutputs = try RequestParameters.read(parameters, codec, into: request)
        }
        guard var tensors = envelope.inputs?.asArray, let tensor = tensors.next(), tensors.next() == nil else {
            throw Self.inputsRefusal(envelope.inputs)
        }
        try InputTensor(tensor).decode(tail: tail, codec: codec, into: request)
        try OutputWishes.read(envelope.outputs, binary: binaryOutputs, into: request)
        try ExplanationFields.settle(request, codec, binary: binaryOutputs)
        try Rows.applyPolicies(request, codec)
    }

    @inline(__always)
    private static func envelope(_ object: JSONObject) throws(RequestError) -> Envelope {
        var object = object
        let all = object
        var envelope = Envelope()
        var unknown = 0
        while let member = object.next() {
            let key = member.key
            if key == "inputs" {
                if envelope.inputs != nil { throw RequestFields.duplicate("inputs") }
                envelope.inputs = member.value
            } else if key == "id" {
                if envelope.id != nil { throw RequestFields.duplicate("id") }
                envelope.id = member.value
            } else if key == "outputs" {
                if envelope.outputs != nil { throw RequestFields.duplicate("outputs") }
                envelope.outputs = member.value
            } else if key == "parameters" {
                if envelope.parameters != nil { throw RequestFields.duplicate("parameters") }
                envelope.parameters = member.value
            } else {
                unknown += 1
            }
        }
        if unknown > 1 { try RequestFields.refuseDuplicates(all, "") }
        return envelope
    }

    @inline(__always)
    private static func takeID(
        _ id: JSONValue?, into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        request.pointee.id.count = 0
        guard let id = RequestFields.present(id) else { return }
        guard let bytes = id.stringBytes else { throw RequestFields.expected("id", "a string", got: id) }
        request.pointee.id.append(bytes)
    }

    @inline(never)
    private static func headerLengthRefusal(_ length: Int, _ count: Int) -> RequestError {
        RequestFields.expected(
            "Inference-Header-Content-Length", "at most the body's \(count) bytes", got: RequestFields.printable(length)
        )
    }

    @inline(never)
    private static func inputsRefusal(_ inputs: JSONValue?) -> RequestError {
        guard let array = inputs?.asArray else {
            return RequestFields.expected("inputs", "an array of one tensor", got: inputs)
        }
        return RequestFields.expected("inputs", "one tensor", got: "\(array.count)")
    }
}

/// `parameters` of the request.
private enum RequestParameters {
    /// Checks all of them, notes the timeout and the explanation; returns `binary_data_output`.
    static func read(
        _ parameters: JSONValue, _ codec: ModelCodec, into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) -> Bool {
        guard var object = parameters.asObject else {
            throw RequestFields.expected("parameters", "an object", got: parameters)
        }
        if object.count > 1 { try RequestFields.refuseDuplicates(object, "parameters") }
        var binary = false
        while let member = object.next() {
            let (key, value) = (member.key, member.value)
            if key == "binary_data_output" {
                guard let flag = value.asBool else { throw expected(key, "true or false", value) }
                binary = flag
            } else if key == "timeout" {
                // Microseconds; 0 is Triton's word for the server's own.
                guard let micros = value.asUInt64 else { throw expected(key, "a whole number from 0", value) }
                if micros > 0 { request.pointee.timeoutNanos = min(micros, 1 << 53) * 1000 }
            } else if key == "priority" {
                guard value.asUInt64 != nil else { throw expected(key, "a whole number from 0", value) }
            } else if key == "explain" {
                try ExplanationFields.readExplain(value, codec: codec, into: request)
            } else if key == "explain_class" {
                try ExplanationFields.readClass(value, "parameters.explain_class", codec: codec, into: request)
            } else if isReserved(key.bytes) {
                throw .badRequest("\(RequestFields.path("parameters", key)): names in triton_ are reserved")
            } else {
                switch value.kind {
                case .string, .integer, .unsigned, .double, .true, .false: break
                case .object, .array, .null: throw expected(key, "a string, a number or a boolean", value)
                }
            }
        }
        return binary
    }

    @inline(never)
    private static func expected(_ key: JSONKey, _ expectation: String, _ value: JSONValue) -> RequestError {
        // Of numbers, the kind that was expected says enough.
        let isNumber = value.asDouble != nil
        return RequestFields.expected(
            RequestFields.path("parameters", key), expectation,
            got: isNumber && expectation.contains("number") ? "another number" : "\(value.kind.description)")
    }

    private static func isReserved(_ name: UnsafeRawBufferPointer) -> Bool {
        name.count >= 7 && JSONKey(UnsafeRawBufferPointer(rebasing: name[..<7])) == "triton_"
    }
}

/// `outputs` of the request.
enum OutputWishes {
    /// The primary output.
    @inline(__always)
    static func readNone(into request: UnsafeMutablePointer<InferenceRequest>, binary: Bool = false) {
        request.pointee.wishes[0] = OutputWish(.score, binary: binary)
        request.pointee.wishCount = 1
    }

    /// Notes the wishes in the slot; without any, the primary output. `binary`: where an output does not say.
    @inline(__always)
    static func read(
        _ outputs: JSONValue?, binary: Bool, into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        readNone(into: request, binary: binary)
        guard let outputs = RequestFields.present(outputs) else { return }
        guard let array = outputs.asArray else { throw RequestFields.expected("outputs", "an array", got: outputs) }
        if !array.isEmpty { try readAll(array, binary, request) }
    }

    private static func readAll(
        _ array: JSONArray, _ binary: Bool, _ request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        var array = array
        var count = 0
        var seen: UInt8 = 0
        while let output = array.next() {
            let wish = try read(output, count, binary)
            let bit = 1 << wish.kind.rawValue as UInt8
            if seen & bit != 0 { throw .badRequest("outputs[\(count)].name: this output is asked for twice") }
            seen |= bit
            request.pointee.wishes[count] = wish
            count += 1
        }
        request.pointee.wishCount = count
    }

    /// One output; as no kind may come twice, there are never more than there are kinds before a refusal.
    private static func read(_ output: JSONValue, _ index: Int, _ binary: Bool) throws(RequestError) -> OutputWish {
        guard var object = output.asObject else {
            throw RequestFields.expected("outputs[\(index)]", "an object", got: output)
        }
        let all = object
        var (name, parameters, unknown) = (JSONValue?.none, JSONValue?.none, 0)
        while let member = object.next() {
            let key = member.key
            if key == "name" {
                if name != nil { throw RequestFields.duplicate("outputs[\(index)].name") }
                name = member.value
            } else if key == "parameters" {
                if parameters != nil { throw RequestFields.duplicate("outputs[\(index)].parameters") }
                parameters = member.value
            } else {
                unknown += 1
            }
        }
        if unknown > 1 { try RequestFields.refuseDuplicates(all, "outputs[\(index)]") }
        return OutputWish(try kind(name, index), binary: try wantsBinary(parameters, index, binary))
    }

    private static func kind(_ name: JSONValue?, _ index: Int) throws(RequestError) -> OutputKind {
        if let bytes = name?.stringBytes {
            if let kind = OutputKind(named: bytes) { return kind }
            let got = RequestFields.printable(bytes).map { "'\($0)'" } ?? "another name"
            throw RequestFields.expected("outputs[\(index)].name", OutputKind.expectation, got: got)
        }
        throw RequestFields.expected("outputs[\(index)].name", OutputKind.expectation, got: name)
    }

    private static func wantsBinary(
        _ parameters: JSONValue?, _ index: Int, _ binary: Bool
    ) throws(RequestError) -> Bool {
        guard let parameters = RequestFields.present(parameters) else { return binary }
        guard var object = parameters.asObject else {
            throw RequestFields.expected("outputs[\(index)].parameters", "an object", got: parameters)
        }
        if object.count > 1 { try RequestFields.refuseDuplicates(object, "outputs[\(index)].parameters") }
        var binary = binary
        while let member = object.next() {
            if member.key == "binary_data" {
                guard let flag = member.value.asBool else {
                    throw RequestFields.expected(
                        "outputs[\(index)].parameters.binary_data", "true or false", got: member.value)
                }
                binary = flag
            } else if member.key == "classification" || TensorParameters.isSharedMemory(member.key) {
                throw .badRequest("\(RequestFields.path("outputs[\(index)].parameters", member.key)): not supported")
            }
        }
        return binary
    }
}

/// What the parameters of input and output tensors share.
enum TensorParameters {
    /// Triton's shared memory, which this server does not have.
    static func isSharedMemory(_ key: JSONKey) -> Bool {
        key == "shared_memory_region" || key == "shared_memory_byte_size" || key == "shared_memory_offset"
    }
}
