// Bodies to rows: one decoder a reactor, which owns the JSON parser's memory.
//
//     body ──simdjson──► tape ──one walk──► request.values [row][feature] ──policies──► ready to route
//
// Numbers go from the tape straight into the slot's rows. FP32 tensors become floats, everything
// else doubles; NaN is missing. After the walk the feature policies run over all rows once.
// A V2 body of 400 bytes with 32 numbers costs about 0.5 µs, most of it simdjson's.
//
// Whatever is wrong with a body is a RequestError with status 400. Which field, what was expected
// and what kind of thing stood there is said; a value never is.

internal import Inference
internal import JSON
internal import Primitives

public struct RequestDecoder: ~Copyable {
    /// Readable bytes that the decoder needs behind a body.
    public static let padding = JSONParser.padding

    var parser: JSONParser
    /// For each column, the named row that set it last; rows are numbered through all requests.
    var stamps = GrowableBuffer()
    var namedRows: UInt64 = 0
    /// How the last plain body began.
    var opening = PlainOpening()

    /// A decoder for bodies of up to `maxBytes` bytes.
    public init(maxBytes: Int) {
        parser = JSONParser(maxBytes: maxBytes)
    }

    /// The body's root object.
    @inline(__always)
    mutating func parse(_ body: UnsafeRawBufferPointer) throws(RequestError) -> JSONObject {
        let root: JSONValue
        do throws(JSONError) { root = try parser.parse(padded: body) } catch { throw Self.malformed(error) }
        guard let object = root.asObject else {
            throw RequestFields.expected("request body", "an object", got: root)
        }
        return object
    }

    @inline(never)
    private static func malformed(_ error: JSONError) -> RequestError {
        .badRequest("malformed JSON at byte \(error.offset): \(error.message)")
    }
}

/// Room for the rows of a request, and the rules over them.
enum Rows {
    /// Empties the slot's values and makes room for `rows` × features of `type`.
    @inline(__always)
    static func reserve(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ rows: Int, _ type: ValueType, _ codec: ModelCodec
    ) -> UnsafeMutableRawPointer {
        let bytes = rows * codec.featureCount * type.byteCount
        request.pointee.values.reserve(bytes)
        request.pointee.values.count = bytes
        request.pointee.rowCount = rows
        request.pointee.valueType = type
        return request.pointee.values.pointer
    }

    /// Refuses a row count beyond the model's limit, or none.
    @inline(__always)
    static func check(_ rows: Int, _ field: StaticString, _ codec: ModelCodec) throws(RequestError) {
        if rows < 1 || rows > codec.maxRows { throw refusal(rows, field, codec) }
    }

    @inline(never)
    private static func refusal(_ rows: Int, _ field: StaticString, _ codec: ModelCodec) -> RequestError {
        RequestFields.expected(
            "\(field)", "1 to \(codec.maxRows) rows (the model's max_rows)", got: RequestFields.printable(rows))
    }

    /// Applies the feature policies to the slot's rows.
    @inline(__always)
    static func applyPolicies(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec
    ) throws(RequestError) {
        let violation = codec.policies.apply(
            to: request.pointee.values.pointer, rows: request.pointee.rowCount, type: request.pointee.valueType,
            outOfRange: &request.pointee.outOfRange)
        if let violation { throw refusal(violation, request.pointee.dialect, codec) }
    }

    @inline(never)
    private static func refusal(_ violation: FeatureViolation, _ dialect: Dialect, _ codec: ModelCodec) -> RequestError
    {
        .badRequest(
            "\(cell(dialect, violation.row, violation.column, codec)): expected \(expectation(of: violation, codec))")
    }

    /// What a rule wanted, and got.
    static func expectation(of violation: FeatureViolation, _ codec: ModelCodec) -> String {
        switch violation.rule {
        case .missing: return "a value, got a missing one"
        case .range:
            let range = codec.input.features[violation.column].range ?? 0...0
            return "a value from \(range.lowerBound) to \(range.upperBound), got one out of range"
        case .integer: return "a whole number, got a fraction"
        case .boolean: return "a boolean or 0 or 1, got another number"
        case .category: return "one of the feature's categories, got an unknown one"
        }
    }

    /// Where a value stands in the body; a negative row: in a record of a file, which has a line.
    static func cell(_ dialect: Dialect, _ row: Int, _ column: Int, _ codec: ModelCodec) -> String {
        let name = codec.input.features[column].name
        if row < 0 { return name }
        switch dialect {
        case .v2, .modelInfer: return "inputs[0].data row \(row), feature '\(name)'"
        case .v1Instances: return "instances[\(row)].\(name)"
        case .v1Inputs: return "inputs.\(name)[\(row)]"
        }
    }
}
