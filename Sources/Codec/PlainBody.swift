// The V2 body as nearly every client writes it, read in one pass without a tape:
//
//     {"id":"…","inputs":[{"name":"features","shape":[1,32],"datatype":"FP32","data":[1,2.5,null,…]}]}
//
// The keys may come in any order, with white space anywhere, as long as the shape and the datatype
// stand in front of the data. Everything else (other members, escapes, nested data, integer
// datatypes, mistakes) is left to the strict decoder, which reads the body from its beginning: what
// is accepted here means exactly what it means there, and nothing is refused here. A client's bodies
// open alike, byte for byte, up to their numbers: an opening that was read before is not read again.
// A body of 32 numbers costs 0.17 µs instead of 0.45 µs.

internal import Inference
internal import JSON
internal import Primitives

struct PlainBody {
    private var at: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>

    /// The members that were seen; the values of some.
    private var hasID = false
    private var hasInputs = false
    private var rows = 0
    private var type: ValueType?
    private var hasName = false
    private var hasData = false
    /// Where the numbers begin, if a body that opens like this one may be read from there.
    private var numbers: UnsafePointer<UInt8>?

    /// Decodes the body into the slot; false: it is not plain, and the slot holds nothing yet.
    @inline(__always)
    static func decode(
        _ body: UnsafeRawBufferPointer, codec: ModelCodec, opening: inout PlainOpening,
        into request: UnsafeMutablePointer<InferenceRequest>
    ) -> Bool {
        guard let base = body.baseAddress, body.count > 0 else { return false }
        let start = base.assumingMemoryBound(to: UInt8.self)
        // SAFETY: `padding` bytes behind the body are readable, and every step looks whether it is at the end.
        var reader = PlainBody(at: start, end: start + body.count)
        return reader.readBody(start, codec, &opening, request)
    }

    private init(at: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) {
        self.at = at
        self.end = end
    }

    // MARK: Structure

    @inline(__always)
    private mutating func readBody(
        _ start: UnsafePointer<UInt8>, _ codec: ModelCodec, _ opening: inout PlainOpening,
        _ request: UnsafeMutablePointer<InferenceRequest>
    ) -> Bool {
        if opening.matches(start, count: end - start, codec) {
            at += opening.count
            (rows, type, hasName, hasInputs) = (opening.rows, opening.type, true, true)
            guard readNumbers(codec, request), closeTensor(codec, request) else { return false }
        } else {
            guard take("{"), readMember(codec, request) else { return false }
        }
        while take(",") {
            guard readMember(codec, request) else { return false }
        }
        guard hasInputs, take("}") else { return false }
        skipSpace()
        guard at == end else { return false }
        if !hasID { request.pointee.id.count = 0 }
        if let numbers { opening.note(start, upTo: numbers, codec, rows: rows, type: type) }
        return true
    }

    @inline(__always)
    private mutating func readMember(_ codec: ModelCodec, _ request: UnsafeMutablePointer<InferenceRequest>) -> Bool {
        guard let key = string(), take(":") else { return false }
        if !hasInputs, Self.equals(key, "inputs") {
            hasInputs = true
            guard take("["), take("{"), readTensorMember(codec, request) else { return false }
            return closeTensor(codec, request)
        }
        guard !hasID, Self.equals(key, "id"), let id = string() else { return false }
        hasID = true
        request.pointee.id.count = 0
        request.pointee.id.append(id)
        return true
    }

    /// The members that are left, and the end of `inputs`.
    @inline(__always)
    private mutating func closeTensor(_ codec: ModelCodec, _ request: UnsafeMutablePointer<InferenceRequest>) -> Bool {
        while take(",") {
            guard readTensorMember(codec, request) else { return false }
        }
        return hasName && hasData && take("}") && take("]")
    }

    @inline(__always)
    private mutating func readTensorMember(
        _ codec: ModelCodec, _ request: UnsafeMutablePointer<InferenceRequest>
    ) -> Bool {
        guard let key = string(), take(":") else { return false }
        if Self.equals(key, "name") {
            guard !hasName, let name = string(), Self.equals(name, codec.inputName.bytes) else { return false }
            hasName = true
        } else if Self.equals(key, "shape") {
            return rows == 0 && readShape(codec)
        } else if Self.equals(key, "datatype") {
            return type == nil && readType()
        } else {
            guard Self.equals(key, "data"), !hasData, take("[") else { return false }
            // Of the next body only as much is skipped as says all that must be known about the numbers.
            if hasName, !hasID { numbers = at }
            return readNumbers(codec, request)
        }
        return true
    }

    /// `[rows, features]`, rows within the model's limit.
    @inline(__always)
    private mutating func readShape(_ codec: ModelCodec) -> Bool {
        guard take("["), let rows = wholeNumber(), take(","), let features = wholeNumber(), take("]") else {
            return false
        }
        guard features == codec.featureCount, rows >= 1, rows <= codec.maxRows else { return false }
        self.rows = rows
        return true
    }

    @inline(__always)
    private mutating func readType() -> Bool {
        guard let name = string() else { return false }
        if Self.equals(name, "FP32") {
            type = .float32
        } else if Self.equals(name, "FP64") {
            type = .float64
        } else {
            return false
        }
        return true
    }

    /// The numbers behind `"data":[`.
    @inline(__always)
    private mutating func readNumbers(_ codec: ModelCodec, _ request: UnsafeMutablePointer<InferenceRequest>) -> Bool {
        // Whatever came before is longer than the margin that the reader wants in front of the numbers.
        guard rows > 0, let type else { return false }
        let values = Rows.reserve(request, rows, type, codec)
        let count = rows * codec.featureCount
        let place =
            switch type {
            case .float32:
                JSONNumbers.read(at, end: end, into: values.assumingMemoryBound(to: Float.self), count: count)
            case .float64:
                JSONNumbers.read(at, end: end, into: values.assumingMemoryBound(to: Double.self), count: count)
            }
        guard let place else { return false }
        at = place
        hasData = true
        return true
    }

    // MARK: Tokens

    @inline(__always)
    private mutating func skipSpace() {
        while at < end, at[0] <= 0x20 {
            guard at[0] == 0x20 || at[0] == 0x0a || at[0] == 0x0d || at[0] == 0x09 else { return }
            at += 1
        }
    }

    /// Steps over the character, and white space in front of it, if it comes next.
    @inline(__always)
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard at < end, at[0] == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    /// A string of printable ASCII without escapes.
    @inline(__always)
    private mutating func string() -> UnsafeRawBufferPointer? {
        guard take("\"") else { return nil }
        let start = at
        while at < end, at[0] != UInt8(ascii: "\"") {
            guard at[0] >= 0x20, at[0] < 0x7f, at[0] != UInt8(ascii: "\\") else { return nil }
            at += 1
        }
        guard at < end else { return nil }
        let text = UnsafeRawBufferPointer(start: start, count: at - start)
        at += 1
        return text
    }

    /// A whole number of at most nine digits.
    @inline(__always)
    private mutating func wholeNumber() -> Int? {
        skipSpace()
        let start = at
        var number = 0
        while at < end, at - start < 10, at[0] &- 0x30 < 10 {
            number = number * 10 + Int(at[0] &- 0x30)
            at += 1
        }
        guard (1...9).contains(at - start), start[0] != 0x30 || at - start == 1 else { return nil }
        return number
    }

    @inline(__always)
    private static func equals(_ text: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        equals(text, UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    @inline(__always)
    private static func equals(_ text: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        guard text.count == other.count else { return false }
        for index in 0..<text.count where text[index] != other[index] { return false }
        return true
    }
}
