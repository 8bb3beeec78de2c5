// A file's contents as a tree of values, the same for JSON and UBJSON.
//
// Forests are mostly long arrays of numbers.  Those never become an array of enums: JSON's stay on the
// parser's tape, UBJSON's typed arrays in the file, and are decoded when they are asked for, so that a
// file of bytes cannot grow eightfold in memory.

enum ModelValue {
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    /// An array of whole numbers only.
    case integers([Int64])
    /// An array of numbers, not all whole.
    case numbers([Double])
    /// Numbers of JSON, still on the tape.
    case tape(TapeNumbers)
    /// A typed array, still in the file.
    case packed(PackedNumbers)
    case array([ModelValue])
    case object([String: ModelValue])

    /// For messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .integers, .numbers, .tape, .packed, .array: "an array"
        case .object: "an object"
        }
    }
}

/// An array that grows element by element and stays plain numbers as long as they are.
///
/// Each kind has its own storage: an array that is the payload of an enum is copied by every append
/// that the optimizer does not see through, which made reading a table of n keys take n² steps.
struct ModelArrayBuilder {
    private enum Kind { case integers, numbers, mixed }

    private var kind = Kind.integers
    private var integers: [Int64] = []
    private var numbers: [Double] = []
    private var elements: [ModelValue] = []

    var value: ModelValue {
        switch kind {
        case .integers: .integers(integers)
        case .numbers: .numbers(numbers)
        case .mixed: .array(elements)
        }
    }

    mutating func append(_ element: ModelValue) {
        switch (kind, element) {
        case (.integers, .integer(let integer)): integers.append(integer)
        case (.integers, .number(let number)):
            kind = .numbers
            numbers = integers.map { Double($0) } + [number]
            integers = []
        case (.numbers, .number(let number)): numbers.append(number)
        case (.numbers, .integer(let integer)): numbers.append(Double(integer))
        case (.mixed, _): elements.append(element)
        default:
            kind = .mixed
            elements = integers.map { .integer($0) } + numbers.map { .number($0) } + [element]
            (integers, numbers) = ([], [])
        }
    }
}
