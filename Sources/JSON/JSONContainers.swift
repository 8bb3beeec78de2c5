// Arrays and objects: sequences over the tape that allocate nothing.
//
//     for element in value.asArray! { … }
//     for member in value.asObject! { member.key … member.value … }

public struct JSONArray: Sequence, IteratorProtocol {
    @usableFromInline let array: JSONValue
    @usableFromInline var cursor: Int
    @usableFromInline let end: Int

    @inlinable
    init(_ array: JSONValue) {
        self.array = array
        cursor = array.index + 1
        end = array.endIndex - 1
    }

    @inlinable
    public mutating func next() -> JSONValue? {
        if cursor >= end { return nil }
        let value = array.at(cursor)
        cursor = value.endIndex
        return value
    }

    @inlinable public var isEmpty: Bool { array.index + 1 == end }

    /// How many values; walks only arrays of more than 2^24 - 2.
    public var count: Int {
        let counted = Int(array.word >> 32 & 0xff_ffff)
        return counted < 0xff_ffff ? counted : reduce(0) { sum, _ in sum + 1 }
    }
}

/// One name and its value.
public struct JSONMember {
    /// A string on the tape.
    public let name: JSONValue
    public let value: JSONValue

    @inlinable
    init(name: JSONValue, value: JSONValue) {
        self.name = name
        self.value = value
    }

    /// The unescaped UTF-8 of the name.
    @inlinable @inline(__always)
    public var key: JSONKey { JSONKey(name.uncheckedStringBytes) }
}

/// A member's name, to be compared with literals: a length and a few words, no call.
public struct JSONKey {
    public let bytes: UnsafeRawBufferPointer

    @inlinable @inline(__always)
    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    @inlinable @inline(__always)
    public static func == (key: JSONKey, literal: StaticString) -> Bool {
        let count = literal.utf8CodeUnitCount
        if key.bytes.count != count { return false }
        let (left, right) = (key.bytes.baseAddress.unsafelyUnwrapped, UnsafeRawPointer(literal.utf8Start))
        var offset = 0
        // The literal's words are constants once this is inlined.
        while offset + 8 <= count {
            if left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                != right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            {
                return false
            }
            offset += 8
        }
        while offset < count {
            if left.load(fromByteOffset: offset, as: UInt8.self) != right.load(fromByteOffset: offset, as: UInt8.self) {
                return false
            }
            offset += 1
        }
        return true
    }
}

public struct JSONObject: Sequence, IteratorProtocol {
    @usableFromInline let object: JSONValue
    @usableFromInline var cursor: Int
    @usableFromInline let end: Int

    @inlinable
    init(_ object: JSONValue) {
        self.object = object
        cursor = object.index + 1
        end = object.endIndex - 1
    }

    @inlinable
    public mutating func next() -> JSONMember? {
        if cursor >= end { return nil }
        let name = object.at(cursor)
        let value = object.at(cursor + 1)
        cursor = value.endIndex
        return JSONMember(name: name, value: value)
    }

    @inlinable public var isEmpty: Bool { object.index + 1 == end }

    /// How many members, duplicates included; walks only objects of more than 2^24 - 2.
    public var count: Int {
        let counted = Int(object.word >> 32 & 0xff_ffff)
        return counted < 0xff_ffff ? counted : reduce(0) { sum, _ in sum + 1 }
    }

    /// The first member of that name; the cost is the members in front of it.
    public subscript(key: StaticString) -> JSONValue? {
        for member in self where member.key == key { return member.value }
        return nil
    }
}
