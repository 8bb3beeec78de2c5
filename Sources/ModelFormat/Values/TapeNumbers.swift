// An array of numbers that stays on simdjson's tape until it is asked for: tag, bits, tag, bits, …
//
// XGBoost writes twelve arrays a tree, of which five are read: 13 MB of its JSON took 80 ms to read when
// each became an array first, and 247 when it did so element by element.

internal import JSON

/// A parsed document, which lives as long as the numbers on its tape.
final class JSONTape {
    private var parser = JSONParser(maxBytes: ModelBounds.fileBytes, maxDepth: ModelBounds.nesting)

    /// Once: the next document takes this one's place.
    func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        guard bytes.capacity - bytes.count >= JSONParser.padding else { return try parser.parse(copying: bytes) }
        // SAFETY: the array's storage is readable up to its capacity.
        return try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
            try parser.parse(padded: UnsafeRawBufferPointer(buffer))
        }
    }
}

struct TapeNumbers {
    private static let integer = UInt64(JSONKind.integer.rawValue)
    private static let double = UInt64(JSONKind.double.rawValue)

    private let tape: JSONTape
    /// Two for each number.
    private let words: UnsafePointer<UInt64>
    let count: Int
    /// Whether all are whole.
    let areIntegers: Bool

    /// Nil: the array holds something else than numbers, or integers beyond 64 bits with a sign.
    init?(_ array: JSONValue, on tape: JSONTape) {
        let (start, end) = (array.index + 1, array.endIndex - 1)
        guard (end - start) % 2 == 0 else { return nil }
        var (integers, doubles) = (0, 0)
        for place in stride(from: start, to: end, by: 2) {
            // While only numbers stood before it, a word at an even place is a tag.
            let tag = array.tape[place] >> 56
            integers += tag == Self.integer ? 1 : 0
            doubles += tag == Self.double ? 1 : 0
        }
        self.tape = tape
        words = array.tape + start
        count = (end - start) / 2
        areIntegers = integers == count
        guard integers + doubles == count else { return nil }
    }

    /// The integer at `index`; all must be.
    @inline(__always)
    func integer(_ index: Int) -> Int64 { Int64(bitPattern: words[2 * index + 1]) }

    @inline(__always)
    func number(_ index: Int) -> Double {
        // SAFETY: the tape is this value's own, and its words are read only through it.
        let bits = words[2 * index + 1]
        return words[2 * index] >> 56 == Self.integer ? Double(Int64(bitPattern: bits)) : Double(bitPattern: bits)
    }
}
