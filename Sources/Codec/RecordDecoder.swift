// Rows of files by the rules of V1 requests: what a value means is decided by the same code, so a row scored from a
// file gets the score it would get online.
//
//     {"amount":12.5,"country":"DE"}    NDJSON: an object by name, or an array by position
//     12.5,DE                           a CSV line: plain numbers are read by TextFields, all else here
//
// CSV has only text, so it needs rules that JSON has not: an empty field is missing; a listed category's name is the
// category, before anything else; NaN, NA and null are missing; booleans may be written out.

public import Inference
public import JSON
public import Primitives

public struct RecordDecoder: ~Copyable {
    /// Readable bytes that the decoder needs behind a line.
    public static let padding = JSONParser.padding

    private var parser: JSONParser
    /// For each column, the record that set it last.
    private var stamps: [UInt64]
    private var record: UInt64 = 0

    /// A decoder for lines of up to `maxBytes` bytes.
    public init(maxBytes: Int, codec: ModelCodec) {
        parser = JSONParser(maxBytes: maxBytes)
        stamps = Array(repeating: 0, count: codec.featureCount)
    }

    // MARK: NDJSON

    /// Decodes one JSON document into a row; `padding` bytes behind it must be readable.
    /// - Parameters:
    ///   - ignored: members that may stand there and are no features.
    ///   - kept: members whose text is appended to `keeping`, as `,"name":value`, in the line's order.
    public mutating func decode(
        json line: UnsafeRawBufferPointer, codec: ModelCodec, ignored: [String], kept: [String],
        keeping: inout GrowableBuffer, into values: UnsafeMutablePointer<Double>
    ) throws(RequestError) {
        let root: JSONValue
        do throws(JSONError) { root = try parser.parse(padded: line) } catch {
            throw .badRequest("malformed JSON at byte \(error.offset): \(error.message)")
        }
        try decode(row: root, codec: codec, ignored: ignored, kept: kept, keeping: &keeping, into: values)
    }

    /// Decodes a row that stands in a parsed document; as above.
    public mutating func decode(
        row root: JSONValue, codec: ModelCodec, ignored: [String], kept: [String], keeping: inout GrowableBuffer,
        into values: UnsafeMutablePointer<Double>
    ) throws(RequestError) {
        if let array = root.asArray { return try decode(array, codec, values) }
        guard var object = root.asObject else {
            throw .badRequest("expected an object or an array, got \(root.kind.description)")
        }
        record += 1
        var (next, found) = (0, 0)
        while let member = object.next() {
            let key = member.name.uncheckedStringBytes
            var column = next
            if next >= codec.featureCount || !codec.names.isFeature(next, key) { column = codec.names.column(key) }
            let isKept = !kept.isEmpty && Self.keep(member, kept, &keeping)
            if column < 0 {
                if isKept || Self.contains(ignored, key) { continue }
                throw .badRequest(
                    "\(RequestFields.path("", member.key)): unknown feature; --ignore names members that are none")
            }
            if stamps[column] == record { throw RequestFields.duplicate(codec.input.features[column].name) }
            stamps[column] = record
            next = column + 1
            found += 1
            values[column] = try Cell.read(member.value, .v1Instances, -1, column, codec)
        }
        if found == codec.featureCount { return }
        for column in 0..<codec.featureCount where stamps[column] != record { values[column] = .nan }
    }

    private func decode(
        _ array: JSONArray, _ codec: ModelCodec, _ values: UnsafeMutablePointer<Double>
    ) throws(RequestError) {
        var array = array
        guard array.count == codec.featureCount else {
            throw .badRequest("expected \(codec.featureCount) values, got \(array.count)")
        }
        var column = 0
        while let value = array.next() {
            values[column] = try Cell.read(value, .v1Instances, -1, column, codec)
            column += 1
        }
    }

    private static func contains(_ names: [String], _ key: UnsafeRawBufferPointer) -> Bool {
        names.contains { $0.utf8.elementsEqual(key) }
    }

    /// Appends a member that is to be kept; false: it is not.
    private static func keep(_ member: JSONMember, _ kept: [String], _ out: inout GrowableBuffer) -> Bool {
        let key = member.name.uncheckedStringBytes
        guard contains(kept, key) else { return false }
        out.append(",")
        append(string: key, &out)
        out.append(":")
        append(member.value, &out)
        return true
    }

    private static func append(string: UnsafeRawBufferPointer, _ out: inout GrowableBuffer) {
        out.reserve(out.count + JSONWriter.escapedBytesMax * string.count + 2)
        out.count += JSONWriter.write(string: string, to: out.pointer + out.count)
    }

    /// A scalar as it was meant; of arrays and objects `null`.
    private static func append(_ value: JSONValue, _ out: inout GrowableBuffer) {
        if let text = value.stringBytes { return append(string: text, &out) }
        if let flag = value.asBool { return out.append(flag ? "true" : "false") }
        if let number = value.asUInt64 { return out.append(string: String(number)) }
        out.reserve(out.count + JSONWriter.numberBytesMax)
        if let number = value.asInt64 {
            out.count += JSONWriter.write(Int(number), to: out.pointer + out.count)
        } else if let number = value.asDouble {
            out.count += JSONWriter.write(number, to: out.pointer + out.count)
        } else {
            out.append("null")
        }
    }

    // MARK: CSV

    /// A field that is neither empty nor a plain number; 8 bytes behind it must be readable.
    public static func read(
        field: UnsafeRawBufferPointer, column: Int, codec: ModelCodec
    ) throws(RequestError) -> Double {
        let kind = codec.cells[column]
        let text = trimmed(field)
        switch kind {
        case .number: break
        case .boolean: if let flag = flag(text) { return flag }
        case .category, .strictCategory:
            let code = codec.names.code(column, field)
            if code >= 0 { return Double(code) }
        }
        if text.isEmpty || missing.contains(where: { $0.utf8.elementsEqual(text) }) { return .nan }
        if let number = TextFields.number(text) { return number }
        if kind == .category { return .nan }
        let name = codec.input.features[column].name
        if kind == .strictCategory {
            throw RequestFields.expected(name, "one of the feature's categories", got: "an unknown one")
        }
        throw RequestFields.expected(name, kind == .boolean ? "true, false, 0 or 1" : "a number", got: "other text")
    }

    private static let missing = ["NaN", "nan", "NA", "null"]

    private static func flag(_ text: UnsafeRawBufferPointer) -> Double? {
        for name in ["true", "True", "TRUE"] where name.utf8.elementsEqual(text) { return 1 }
        for name in ["false", "False", "FALSE"] where name.utf8.elementsEqual(text) { return 0 }
        return nil
    }

    private static func trimmed(_ field: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var (start, end) = (0, field.count)
        while start < end, field[start] == UInt8(ascii: " ") { start += 1 }
        while end > start, field[end - 1] == UInt8(ascii: " ") { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: field[start..<end])
    }

    // MARK: Rules

    /// Applies the feature policies to `rows` rows of doubles, 64 readable bytes behind them; the first row that a rule
    /// refuses, and why.
    public static func applyPolicies(
        to values: UnsafeMutablePointer<Double>, rows: Int, codec: ModelCodec, outOfRange: inout Int
    ) -> (row: Int, reason: String)? {
        let violation = codec.policies.apply(
            to: UnsafeMutableRawPointer(values), rows: rows, type: .float64, outOfRange: &outOfRange)
        guard let violation else { return nil }
        let name = codec.input.features[violation.column].name
        return (violation.row, "\(name): expected \(Rows.expectation(of: violation, codec))")
    }
}
