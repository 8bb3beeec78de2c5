// JSON into a `ModelValue`, over simdjson's tape.
//
// The tape's doubles are correctly rounded, so rounding them to float32 once more gives the
// library's own float32 of the decimal: only a decimal within 2^-53 of the middle between two
// floats could come out differently, and the shortest digits of a float32 are never that.

internal import JSON

struct JSONModelReader {
    /// Values outside number arrays, against `ModelBounds.values`.
    private var valueCount = 0
    private let place: String

    private init(place: String) { self.place = place }

    /// An array with room for so many bytes behind its own is parsed where it is.
    static let padding = JSONParser.padding

    /// `place`: where the bytes stand in a file that is not JSON itself.
    static func read(_ bytes: [UInt8], place: String = "") throws(ModelFormatError) -> ModelValue {
        do {
            return try parse(bytes, place: place)
        } catch {
            // XGBoost's tokens are no JSON; the second reading costs only the files that have them.
            guard let quoted = NonFiniteTokens.quoted(bytes) else { throw error }
            return try parse(quoted, place: place)
        }
    }

    private static func parse(_ bytes: [UInt8], place: String) throws(ModelFormatError) -> ModelValue {
        var parser = JSONParser(maxBytes: ModelBounds.fileBytes, maxDepth: ModelBounds.nesting)
        var reader = JSONModelReader(place: place)
        do {
            guard bytes.capacity - bytes.count >= padding else { return try reader.value(parser.parse(copying: bytes)) }
            // SAFETY: the array's storage is readable up to its capacity.
            return try bytes.withUnsafeBytes { buffer in try reader.value(parser.parse(padded: buffer)) }
        } catch let error as JSONError {
            throw ModelFormatError(place.isEmpty ? "byte \(error.offset)" : place, error.message)
        } catch let error as ModelFormatError {
            throw error
        } catch {
            throw ModelFormatError(place, "cannot be read: \(error)")
        }
    }

    private mutating func value(_ json: JSONValue) throws(ModelFormatError) -> ModelValue {
        valueCount += 1
        guard valueCount <= ModelBounds.values else {
            throw ModelFormatError(place, "the file has more than \(ModelBounds.values) values")
        }
        switch json.kind {
        case .null: return .null
        case .true: return .boolean(true)
        case .false: return .boolean(false)
        case .integer, .unsigned, .double: return number(json)
        case .string: return .string(json.asString ?? "")
        case .array: return try array(json)
        case .object: return try object(json)
        }
    }

    private func number(_ json: JSONValue) -> ModelValue {
        if let integer = json.asInt64 { return .integer(integer) }
        return .number(json.asDouble ?? .nan)
    }

    private mutating func array(_ json: JSONValue) throws(ModelFormatError) -> ModelValue {
        guard let elements = json.asArray else { return .null }
        if let numbers = Self.numbers(json) { return numbers }
        var builder = ModelArrayBuilder()
        for element in elements {
            switch element.kind {
            case .integer, .unsigned, .double: builder.append(number(element))
            default: builder.append(try value(element))
            }
        }
        return builder.value
    }

    /// An array of numbers only, taken from the tape in one pass: tag, bits, tag, bits, …; nil: it holds
    /// something else.  (Element by element, 13 MB of XGBoost's JSON took 247 ms instead of 80.)
    private static func numbers(_ array: JSONValue) -> ModelValue? {
        let (start, end) = (array.index + 1, array.endIndex - 1)
        guard (end - start) % 2 == 0 else { return nil }
        let count = (end - start) / 2
        let (integer, double) = (UInt64(JSONKind.integer.rawValue), UInt64(JSONKind.double.rawValue))
        var (integers, doubles) = (0, 0)
        for place in stride(from: start, to: end, by: 2) {
            // While only numbers stood before it, a word at an even place is a tag.
            let tag = array.tape[place] >> 56
            integers += tag == integer ? 1 : 0
            doubles += tag == double ? 1 : 0
        }
        guard integers + doubles == count else { return nil }
        // SAFETY: the array's words on the tape, two for each of its numbers.
        let words = array.tape + start
        if integers == count {
            return .integers(filled(count) { Int64(bitPattern: words[2 * $0 + 1]) })
        }
        return .numbers(
            filled(count) { index in
                let bits = words[2 * index + 1]
                return words[2 * index] >> 56 == integer ? Double(Int64(bitPattern: bits)) : Double(bitPattern: bits)
            })
    }

    @inline(__always)
    private static func filled<Number>(_ count: Int, _ number: (Int) -> Number) -> [Number] {
        [Number](unsafeUninitializedCapacity: count) { buffer, filled in
            for index in 0..<count { buffer.initializeElement(at: index, to: number(index)) }
            filled = count
        }
    }

    private mutating func object(_ json: JSONValue) throws(ModelFormatError) -> ModelValue {
        guard let object = json.asObject else { return .null }
        var members: [String: ModelValue] = [:]
        for member in object {
            let key = member.name.asString ?? ""
            guard key.utf8.count <= ModelBounds.nameBytes else {
                throw ModelFormatError(place, "a key is longer than \(ModelBounds.nameBytes) bytes")
            }
            let value = try value(member.value)
            guard members.updateValue(value, forKey: key) == nil else {
                throw ModelFormatError(key, "the key stands twice in one object")
            }
        }
        return .object(members)
    }
}
