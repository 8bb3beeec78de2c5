// A file's contents as a tree of values, the same for JSON and UBJSON.
//
// Forests are mostly long arrays of numbers.  Those never become an array of enums: JSON's are
// kept as plain integers or doubles, UBJSON's typed arrays stay where they are in the file and
// are decoded when they are asked for, so that a file of bytes cannot grow eightfold in memory.

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
        case .integers, .numbers, .packed, .array: "an array"
        case .object: "an object"
        }
    }
}

/// An array that grows element by element and stays plain numbers as long as they are.
struct ModelArrayBuilder {
    private(set) var value = ModelValue.integers([])

    mutating func append(_ element: ModelValue) {
        // The payload is taken out and `value` overwritten, so that appending does not copy it.
        switch (value, element) {
        case (.integers(var integers), .integer(let integer)):
            value = .null
            integers.append(integer)
            value = .integers(integers)
        case (.integers(let integers), .number(let number)):
            value = .numbers(integers.map { Double($0) } + [number])
        case (.numbers(var numbers), .number(let number)):
            value = .null
            numbers.append(number)
            value = .numbers(numbers)
        case (.numbers(var numbers), .integer(let integer)):
            value = .null
            numbers.append(Double(integer))
            value = .numbers(numbers)
        case (.array(var elements), _):
            value = .null
            elements.append(element)
            value = .array(elements)
        case (.integers(let integers), _): value = .array(integers.map { .integer($0) } + [element])
        case (.numbers(let numbers), _): value = .array(numbers.map { .number($0) } + [element])
        default: break
        }
    }
}
