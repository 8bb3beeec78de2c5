// V1 `:predict`, the shape of TensorFlow Serving and KServe.
//
//     {"instances":[{"amount":12.5,"country":"DE"},…]}     rows by name
//     {"instances":[[12.5,"DE",…],…]}                      rows by position
//     {"inputs":{"amount":[12.5,…],"country":["DE",…]}}    columns
//
// `:explain` takes the same, and beside it "reasons": 3 and "class": "fraud".
//
// Values are doubles. A category is its string, or its code; an absent key is a missing value and
// goes by the feature's `missing` policy, as null does; by position every value must be there.
// Unknown keys are refused, so that a misspelt feature is not a missing one.

public import Inference
internal import JSON
internal import Primitives

extension RequestDecoder {
    /// Decodes a V1 body into the slot, of `:predict` or `:explain`; `padding` bytes behind `body` must be readable.
    public mutating func decodeV1(
        _ body: UnsafeRawBufferPointer, isExplain: Bool = false, codec: ModelCodec,
        into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        request.pointee.id.count = 0
        request.pointee.outOfRange = 0
        request.pointee.wishes[0] = OutputWish(.score, binary: false)
        request.pointee.wishCount = 1
        request.pointee.explanation = ExplanationWish()
        reserveStamps(codec.featureCount)
        let members = try Self.members(try parse(body), isExplain: isExplain)
        if let instances = members.instances {
            if members.inputs != nil { throw .badRequest("request body: expected instances or inputs, got both") }
            request.pointee.dialect = .v1Instances
            try decodeInstances(instances, codec, request)
        } else if let inputs = members.inputs {
            request.pointee.dialect = .v1Inputs
            try decodeColumns(inputs, codec, request)
        } else {
            throw .badRequest("request body: expected instances or inputs, got neither")
        }
        if isExplain { try Self.readExplanation(members, codec, request) }
        try Rows.applyPolicies(request, codec)
    }

    /// Where the members of the body stand.
    private struct Members {
        var instances: JSONValue?
        var inputs: JSONValue?
        var signature: JSONValue?
        /// Of `:explain`.
        var reasons: JSONValue?
        var chosenClass: JSONValue?
    }

    @inline(__always)
    private static func members(_ object: JSONObject, isExplain: Bool) throws(RequestError) -> Members {
        var object = object
        var members = Members()
        while let member = object.next() {
            let key = member.key
            if key == "instances" {
                if members.instances != nil { throw RequestFields.duplicate("instances") }
                members.instances = member.value
            } else if key == "inputs" {
                if members.inputs != nil { throw RequestFields.duplicate("inputs") }
                members.inputs = member.value
            } else if key == "signature_name" {
                if members.signature != nil { throw RequestFields.duplicate("signature_name") }
                members.signature = member.value
            } else if isExplain, key == "reasons" {
                if members.reasons != nil { throw RequestFields.duplicate("reasons") }
                members.reasons = member.value
            } else if isExplain, key == "class" {
                if members.chosenClass != nil { throw RequestFields.duplicate("class") }
                members.chosenClass = member.value
            } else {
                throw unknownKey(key, isExplain: isExplain)
            }
        }
        return members
    }

    @inline(never)
    private static func unknownKey(_ key: JSONKey, isExplain: Bool) -> RequestError {
        .badRequest(
            "\(RequestFields.path("", key)): unknown key; expected instances, inputs"
                + (isExplain ? ", reasons, class or signature_name" : " or signature_name"))
    }

    /// What `:explain` asks for beside the rows.
    private static func readExplanation(
        _ members: Members, _ codec: ModelCodec, _ request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        request.pointee.explanation.need = .required
        request.pointee.explanation.reasons = ExplanationFields.manifests
        if let reasons = RequestFields.present(members.reasons) {
            request.pointee.explanation.reasons = try ExplanationFields.readCount(reasons, "reasons", "", codec)
        }
        if let chosen = RequestFields.present(members.chosenClass) {
            try ExplanationFields.readClass(chosen, "class", codec: codec, into: request)
        }
        try ExplanationFields.settleCount(request, codec)
    }

    // MARK: Rows

    private mutating func decodeInstances(
        _ instances: JSONValue, _ codec: ModelCodec, _ request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        guard var array = instances.asArray else {
            throw RequestFields.expected("instances", "an array of rows", got: instances)
        }
        let rows = array.count
        try Rows.check(rows, "instances", codec)
        var values = Rows.reserve(request, rows, .float64, codec).assumingMemoryBound(to: Double.self)
        var row = 0
        while let instance = array.next() {
            if let object = instance.asObject {
                try decodeNamed(object, row, codec, values)
            } else if let positions = instance.asArray {
                try Self.decodePositions(positions, row, codec, values)
            } else {
                throw RequestFields.expected("instances[\(row)]", "an object or an array", got: instance)
            }
            values += codec.featureCount
            row += 1
        }
    }

    /// A row by name. Each key is first compared with the feature that the manifest has next.
    @inline(__always)
    private mutating func decodeNamed(
        _ object: JSONObject, _ row: Int, _ codec: ModelCodec, _ values: UnsafeMutablePointer<Double>
    ) throws(RequestError) {
        var object = object
        let stamps = stamps.pointer.assumingMemoryBound(to: UInt64.self)
        let features = codec.featureCount
        namedRows += 1
        let stamp = namedRows
        var (next, found) = (0, 0)
        while let member = object.next() {
            let key = member.name.uncheckedStringBytes
            var column = next
            if next >= features || !codec.names.isFeature(next, key) {
                column = codec.names.column(key)
                if column < 0 { throw Self.unknownFeature("instances[\(row)]", key) }
            }
            if stamps[column] == stamp {
                throw RequestFields.duplicate("instances[\(row)].\(Self.name(column, codec))")
            }
            stamps[column] = stamp
            next = column + 1
            found += 1
            values[column] = try Cell.read(member.value, .v1Instances, row, column, codec)
        }
        if found < features {
            for column in 0..<features where stamps[column] != stamp { values[column] = .nan }
        }
    }

    @inline(__always)
    private static func decodePositions(
        _ positions: JSONArray, _ row: Int, _ codec: ModelCodec, _ values: UnsafeMutablePointer<Double>
    ) throws(RequestError) {
        let all = positions
        var positions = positions
        var column = 0
        while let value = positions.next() {
            if column == codec.featureCount { throw lengthRefusal("instances[\(row)]", codec.featureCount, all) }
            values[column] = try Cell.read(value, .v1Instances, row, column, codec)
            column += 1
        }
        if column < codec.featureCount { throw lengthRefusal("instances[\(row)]", codec.featureCount, all) }
    }

    // MARK: Columns

    private mutating func decodeColumns(
        _ inputs: JSONValue, _ codec: ModelCodec, _ request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        guard var object = inputs.asObject else {
            throw RequestFields.expected("inputs", "an object of columns by feature name", got: inputs)
        }
        let stamps = stamps.pointer.assumingMemoryBound(to: UInt64.self)
        namedRows += 1
        var (rows, next) = (-1, 0)
        var values = request.pointee.values.pointer.assumingMemoryBound(to: Double.self)
        while let member = object.next() {
            let column = try Self.column(member.name.uncheckedStringBytes, &next, codec)
            if stamps[column] == namedRows { throw RequestFields.duplicate("inputs.\(Self.name(column, codec))") }
            stamps[column] = namedRows
            guard let array = member.value.asArray else {
                throw RequestFields.expected(
                    "inputs.\(Self.name(column, codec))", "an array, one value a row", got: member.value)
            }
            if rows < 0 {
                rows = array.count
                try Rows.check(rows, "inputs", codec)
                values = Rows.reserve(request, rows, .float64, codec).assumingMemoryBound(to: Double.self)
                for index in 0..<rows * codec.featureCount { values[index] = .nan }
            }
            try Self.decodeColumn(array, column, rows, codec, values)
        }
        if rows < 0 { throw RequestFields.expected("inputs", "at least one column", got: "none") }
    }

    @inline(__always)
    private static func column(
        _ key: UnsafeRawBufferPointer, _ next: inout Int, _ codec: ModelCodec
    ) throws(RequestError) -> Int {
        var column = next
        if next >= codec.featureCount || !codec.names.isFeature(next, key) {
            column = codec.names.column(key)
            if column < 0 { throw unknownFeature("inputs", key) }
        }
        next = column + 1
        return column
    }

    @inline(__always)
    private static func decodeColumn(
        _ array: JSONArray, _ column: Int, _ rows: Int, _ codec: ModelCodec, _ values: UnsafeMutablePointer<Double>
    ) throws(RequestError) {
        let all = array
        var array = array
        var row = 0
        while let value = array.next() {
            if row == rows { throw lengthRefusal("inputs.\(name(column, codec))", rows, all) }
            values[row * codec.featureCount + column] = try Cell.read(value, .v1Inputs, row, column, codec)
            row += 1
        }
        if row < rows { throw lengthRefusal("inputs.\(name(column, codec))", rows, all) }
    }

    // MARK: Shared

    /// Room for a stamp a column; new ones are 0, which no row has.
    private mutating func reserveStamps(_ columns: Int) {
        let bytes = columns * MemoryLayout<UInt64>.size
        guard stamps.count < bytes else { return }
        stamps.reserve(bytes)
        (stamps.pointer + stamps.count).initializeMemory(as: UInt8.self, repeating: 0, count: bytes - stamps.count)
        stamps.count = bytes
    }

    private static func name(_ column: Int, _ codec: ModelCodec) -> String { codec.input.features[column].name }

    @inline(never)
    private static func unknownFeature(_ prefix: String, _ key: UnsafeRawBufferPointer) -> RequestError {
        .badRequest("\(RequestFields.path(prefix, JSONKey(key))): unknown feature")
    }

    @inline(never)
    private static func lengthRefusal(_ field: String, _ expected: Int, _ array: JSONArray) -> RequestError {
        RequestFields.expected(field, "\(expected) values", got: "\(array.count)")
    }
}

/// One value of a V1 row.
enum Cell {
    /// The value of a column as a double; NaN: missing.
    @inline(__always)
    static func read(
        _ value: JSONValue, _ dialect: Dialect, _ row: Int, _ column: Int, _ codec: ModelCodec
    ) throws(RequestError) -> Double {
        switch value.tag {
        case JSONKind.double.rawValue: return Double(bitPattern: value.tape[value.index + 1])
        case JSONKind.integer.rawValue: return Double(Int64(bitPattern: value.tape[value.index + 1]))
        case JSONKind.null.rawValue: return .nan
        default: return try readRare(value, dialect, row, column, codec)
        }
    }

    /// Strings, booleans and integers beyond Int64.
    @inline(never)
    private static func readRare(
        _ value: JSONValue, _ dialect: Dialect, _ row: Int, _ column: Int, _ codec: ModelCodec
    ) throws(RequestError) -> Double {
        if let number = value.asDouble { return number }
        let kind = codec.cells[column]
        switch kind {
        case .number: break
        case .boolean:
            if let flag = value.asBool { return flag ? 1 : 0 }
        case .category, .strictCategory:
            guard let bytes = value.stringBytes else { break }
            let code = codec.names.code(column, bytes)
            if code >= 0 { return Double(code) }
            if kind == .category { return .nan }
            throw RequestFields.expected(
                Rows.cell(dialect, row, column, codec), "one of the feature's categories", got: "an unknown one")
        }
        throw RequestFields.expected(Rows.cell(dialect, row, column, codec), kind.expectation, got: value)
    }
}
