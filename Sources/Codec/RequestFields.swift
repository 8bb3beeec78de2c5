// Small helpers of the decoders: what a field holds, duplicates, and words for refusals.
//
// Messages name the field, what was expected and the kind that stood there. Of what a client sent,
// only names (of members and tensors) are ever repeated, and only if they look like names.

internal import Inference
internal import JSON

enum RequestFields {
    /// A refusal of one field.
    @inline(never)
    static func expected(_ field: String, _ expectation: String, got: String) -> RequestError {
        .badRequest("\(field): expected \(expectation), got \(got)")
    }

    /// As above, where a value of another kind stands, or none.
    @inline(never)
    static func expected(_ field: String, _ expectation: String, got value: JSONValue?) -> RequestError {
        expected(field, expectation, got: value.map { "\($0.kind.description)" } ?? "nothing")
    }

    @inline(never)
    static func duplicate(_ field: String) -> RequestError {
        .badRequest("\(field): duplicate key")
    }

    /// A count or a dimension for a message; not if it is so long that it is perhaps none.
    static func printable(_ count: Int) -> String {
        count.magnitude < 1_000_000_000 ? "\(count)" : "a number of 10 digits or more"
    }

    /// A member's name for a message, if it is a name and not perhaps a person's data: letters, digits,
    /// `_`, `.` and `-`, at most 64, a letter or `_` in front.
    static func printable(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard (1...64).contains(bytes.count), isLetter(bytes[0]) else { return nil }
        let isName = bytes.allSatisfy {
            isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
        }
        return isName ? String(decoding: bytes, as: UTF8.self) : nil
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == UInt8(ascii: "_")
    }

    /// `prefix.name`, or what can be said of a name that is not repeated.
    static func path(_ prefix: String, _ key: JSONKey) -> String {
        let name = printable(key.bytes) ?? "(a key that is not a plain name)"
        return prefix.isEmpty ? name : "\(prefix).\(name)"
    }

    /// Refuses an object with two members of one name; for objects with keys that no reader knows.
    @inline(never)
    static func refuseDuplicates(_ object: JSONObject, _ prefix: String) throws(RequestError) {
        var outer = object
        if object.count <= 16 {
            while let member = outer.next() {
                var inner = outer
                while let other = inner.next() {
                    if equal(member.key, other.key) { throw duplicate(path(prefix, member.key)) }
                }
            }
            return
        }
        // Many unknown keys: rare enough for a set, whose hash is seeded.
        var seen: Set<[UInt8]> = []
        while let member = outer.next() {
            if !seen.insert(Array(member.key.bytes)).inserted {
                throw duplicate(path(prefix, member.key))
            }
        }
    }

    private static func equal(_ left: JSONKey, _ right: JSONKey) -> Bool {
        left.bytes.count == right.bytes.count && left.bytes.elementsEqual(right.bytes)
    }

    /// An optional field: absent and `null` are the same.
    @inline(__always)
    static func present(_ value: JSONValue?) -> JSONValue? {
        guard let value, !value.isNull else { return nil }
        return value
    }
}
