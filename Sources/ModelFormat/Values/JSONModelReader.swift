// JSON into a `ModelValue`, over simdjson's tape.
//
// The tape's doubles are correctly rounded, so rounding them to float32 once more gives the
// library's own float32 of the decimal: only a decimal within 2^-53 of the middle between two
// floats could come out differently, and the shortest digits of a float32 are never that.

internal import JSON

struct JSONModelReader {
    /// Values outside number arrays, against `ModelBounds.values`.
    private var valueCount = 0
    private let tape: JSONTape
    private let place: String

    private init(tape: JSONTape, place: String) {
        self.tape = tape
        self.place = place
    }

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
        let tape = JSONTape()
        var reader = JSONModelReader(tape: tape, place: place)
        do {
            return try reader.value(tape.parse(bytes))
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
        if let numbers = TapeNumbers(json, on: tape) { return .tape(numbers) }
        var builder = ModelArrayBuilder()
        for element in elements {
            switch element.kind {
            case .integer, .unsigned, .double: builder.append(number(element))
            default: builder.append(try value(element))
            }
        }
        return builder.value
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
