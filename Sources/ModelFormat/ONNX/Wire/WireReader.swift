// Protocol Buffers' wire format, as far as ONNX needs it.
//
//     field = tag varint (number << 3 | type), then
//       0  varint, 1 to 10 bytes      1  8 bytes, little-endian
//       2  length varint, bytes       5  4 bytes, little-endian
//
// A reader sees one message: the bytes from `position` to `end` of the file.  Every length is held
// against the bytes that are really there before anything is read or allocated.  What a schema does
// not name is refused and not skipped: a field that a later ONNX added may change the scores.

struct WireReader {
    enum WireType: UInt8 {
        case varint = 0
        case fixed64 = 1
        case bytes = 2
        case fixed32 = 5
    }

    struct Field {
        var number: Int
        var type: WireType
        /// Where the tag stands in the file.
        var position: Int
    }

    let file: [UInt8]
    private(set) var position: Int
    let end: Int

    /// A message over `range` of the file, which must lie within it.
    init(file: [UInt8], range: Range<Int>) {
        self.file = file
        position = range.lowerBound
        end = range.upperBound
    }

    func error(_ message: String, at position: Int) -> ModelFormatError {
        ModelFormatError("byte \(position)", message)
    }

    /// The next field's tag; nil at the message's end.
    mutating func next() throws(ModelFormatError) -> Field? {
        guard position < end else { return nil }
        let start = position
        let tag = try varint()
        guard let type = WireType(rawValue: UInt8(tag & 7)), (1...0x1FFF_FFFF).contains(tag >> 3) else {
            throw error("is no tag of a field", at: start)
        }
        return Field(number: Int(tag >> 3), type: type, position: start)
    }

    /// An unsigned varint; ten bytes hold 64 bits.
    mutating func varint() throws(ModelFormatError) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end {
            let byte = file[position]
            position += 1
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw error(position < end ? "a number takes more than 64 bits" : "a number ends with the message", at: start)
    }

    mutating func fixed32() throws(ModelFormatError) -> UInt32 {
        UInt32(truncatingIfNeeded: try fixed(4))
    }

    mutating func fixed64() throws(ModelFormatError) -> UInt64 { try fixed(8) }

    private mutating func fixed(_ count: Int) throws(ModelFormatError) -> UInt64 {
        guard end - position >= count else { throw error("\(count) bytes do not fit into the message", at: position) }
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(file[position + index]) }
        position += count
        return value
    }

    /// The place of a length-delimited field's bytes, which the reader steps over.
    mutating func bytes() throws(ModelFormatError) -> Range<Int> {
        let start = position
        let length = try varint()
        guard length <= UInt64(end - position) else {
            throw error("the length \(length) is more than the \(end - position) bytes that are left", at: start)
        }
        let range = position..<position + Int(length)
        position = range.upperBound
        return range
    }

    /// A string of at most `ModelBounds.nameBytes`.
    mutating func string() throws(ModelFormatError) -> String {
        let start = position
        let range = try bytes()
        guard range.count <= ModelBounds.nameBytes else {
            throw error("the text is longer than \(ModelBounds.nameBytes) bytes", at: start)
        }
        guard let text = String(validating: file[range], as: UTF8.self) else {
            throw error("the text is not UTF-8", at: start)
        }
        return text
    }

    mutating func skip(_ type: WireType) throws(ModelFormatError) {
        switch type {
        case .varint: _ = try varint()
        case .fixed64: _ = try fixed64()
        case .fixed32: _ = try fixed32()
        case .bytes: _ = try bytes()
        }
    }
}

/// A repeated number field arrives one by one, or packed: many under one tag.
extension WireReader {
    mutating func appendInts(_ field: Field, to numbers: inout [Int64]) throws(ModelFormatError) {
        guard field.type == .bytes else { return numbers.append(Int64(bitPattern: try varint())) }
        var packed = WireReader(file: file, range: try bytes())
        while packed.position < packed.end { numbers.append(Int64(bitPattern: try packed.varint())) }
    }

    mutating func appendFloats(_ field: Field, to numbers: inout [Double]) throws(ModelFormatError) {
        guard field.type == .bytes else { return numbers.append(Double(Float(bitPattern: try fixed32()))) }
        var packed = WireReader(file: file, range: try bytes())
        numbers.reserveCapacity(numbers.count + (packed.end - packed.position) / 4)
        while packed.position < packed.end { numbers.append(Double(Float(bitPattern: try packed.fixed32()))) }
    }

    mutating func appendDoubles(_ field: Field, to numbers: inout [Double]) throws(ModelFormatError) {
        guard field.type == .bytes else { return numbers.append(Double(bitPattern: try fixed64())) }
        var packed = WireReader(file: file, range: try bytes())
        numbers.reserveCapacity(numbers.count + (packed.end - packed.position) / 8)
        while packed.position < packed.end { numbers.append(Double(bitPattern: try packed.fixed64())) }
    }
}
