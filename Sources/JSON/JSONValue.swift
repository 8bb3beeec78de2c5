// A cursor on simdjson's tape: where a value stands, and how to read it.
//
//     tape word:  [ 8 bits tag | 56 bits payload ]
//     {  [         payload: 24 bits count (saturated) | 32 bits index behind the matching end
//     }  ]         payload: index of the start
//     "            payload: offset into the strings: u32 length, bytes, NUL
//     l  u  d      the next word is an Int64, a UInt64, a Double
//     t  f  n      no payload
//
// Three words, no references: copying it costs nothing, and everything hot is inlinable, so that
// a reader in another module walks the tape with no call.  It stays valid until its parser's next
// parse, and nothing but the reader's care enforces that.

/// What stands at a place of the tape; the raw value is the tape's tag.
public enum JSONKind: UInt8, Sendable {
    case object = 0x7b
    case array = 0x5b
    case string = 0x22
    /// An integer that fits Int64.
    case integer = 0x6c
    /// An integer above Int64's range that fits UInt64.
    case unsigned = 0x75
    case double = 0x64
    case `true` = 0x74
    case `false` = 0x66
    case null = 0x6e

    /// For messages: "an object", "a number", …
    public var description: StaticString {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .integer, .unsigned, .double: "a number"
        case .true, .false: "a boolean"
        case .null: "null"
        }
    }
}

public struct JSONValue {
    /// The whole tape; this value's word is at `index`.
    public let tape: UnsafePointer<UInt64>
    public let strings: UnsafePointer<UInt8>
    public let index: Int

    @inlinable
    public init(tape: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, index: Int) {
        self.tape = tape
        self.strings = strings
        self.index = index
    }

    @inlinable @inline(__always)
    public var word: UInt64 { tape[index] }

    @inlinable @inline(__always)
    public var tag: UInt8 { UInt8(truncatingIfNeeded: word >> 56) }

    /// Compares one tag; cheaper than `kind`.
    @inlinable @inline(__always)
    public func isKind(_ kind: JSONKind) -> Bool { tag == kind.rawValue }

    @inlinable
    public var kind: JSONKind {
        // SAFETY: a tape holds no other tags where a value stands.
        JSONKind(rawValue: tag).unsafelyUnwrapped
    }

    /// The index on the tape behind this value.
    @inlinable @inline(__always)
    public var endIndex: Int {
        switch tag {
        case JSONKind.object.rawValue, JSONKind.array.rawValue: Int(UInt32(truncatingIfNeeded: word))
        case JSONKind.integer.rawValue, JSONKind.unsigned.rawValue, JSONKind.double.rawValue: index + 2
        default: index + 1
        }
    }

    @inlinable @inline(__always)
    func at(_ index: Int) -> JSONValue { JSONValue(tape: tape, strings: strings, index: index) }

    // MARK: Scalars

    @inlinable public var isNull: Bool { isKind(.null) }

    @inlinable
    public var asBool: Bool? { isKind(.true) ? true : isKind(.false) ? false : nil }

    /// Any number; integers beyond 2^53 are rounded to nearest.
    @inlinable
    public var asDouble: Double? {
        switch tag {
        case JSONKind.double.rawValue: Double(bitPattern: tape[index + 1])
        case JSONKind.integer.rawValue: Double(Int64(bitPattern: tape[index + 1]))
        case JSONKind.unsigned.rawValue: Double(tape[index + 1])
        default: nil
        }
    }

    /// An integer written without point and exponent; else nil.
    @inlinable
    public var asInt64: Int64? { isKind(.integer) ? Int64(bitPattern: tape[index + 1]) : nil }

    /// As `asInt64`, from 0 up.
    @inlinable
    public var asUInt64: UInt64? {
        switch tag {
        case JSONKind.integer.rawValue: UInt64(exactly: Int64(bitPattern: tape[index + 1]))
        case JSONKind.unsigned.rawValue: tape[index + 1]
        default: nil
        }
    }

    // MARK: Strings

    /// The unescaped UTF-8 of a string; nil for other kinds. At least 8 bytes behind it are readable.
    @inlinable
    public var stringBytes: UnsafeRawBufferPointer? { isKind(.string) ? uncheckedStringBytes : nil }

    /// As `stringBytes`, for a value that is known to be a string.
    @inlinable @inline(__always)
    public var uncheckedStringBytes: UnsafeRawBufferPointer {
        let entry = UnsafeRawPointer(strings) + Int(word & 0x00ff_ffff_ffff_ffff)
        let count = Int(entry.loadUnaligned(as: UInt32.self))
        return UnsafeRawBufferPointer(start: entry + 4, count: count)
    }

    /// A string as a Swift string (allocates).
    public var asString: String? { stringBytes.map { String(decoding: $0, as: UTF8.self) } }

    // MARK: Containers

    /// The values of an array; nil for other kinds.
    @inlinable
    public var asArray: JSONArray? { isKind(.array) ? JSONArray(self) : nil }

    /// The members of an object; nil for other kinds.
    @inlinable
    public var asObject: JSONObject? { isKind(.object) ? JSONObject(self) : nil }

    /// The first member of that name; nil where there is none, or where this is no object.
    public subscript(key: StaticString) -> JSONValue? { asObject?[key] }
}
