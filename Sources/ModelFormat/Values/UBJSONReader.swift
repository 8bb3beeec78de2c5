// UBJSON as XGBoost writes it, into a `ModelValue`.
//
//     {  L count key  value …  }        keys without the S marker
//     [  value … ]                      [ # L count  value …        [ $ type # L count  bytes …
//     S L count bytes    i U I l L d D numbers, big-endian    C byte    T F Z
//
// A count is believed only as far as there are bytes for it.

struct UBJSONReader {
    private let file: [UInt8]
    private var position = 0
    /// Values outside number arrays, against `ModelBounds.values`.
    private var valueCount = 0

    private init(_ file: [UInt8]) { self.file = file }

    static func read(_ file: [UInt8]) throws(ModelFormatError) -> ModelValue {
        var reader = UBJSONReader(file)
        let value = try reader.value(depth: 0)
        guard reader.position == file.count else { throw reader.error("the file goes on behind its value") }
        return value
    }

    private func error(_ message: String, at place: Int? = nil) -> ModelFormatError {
        ModelFormatError("byte \(place ?? position)", message)
    }

    private mutating func byte() throws(ModelFormatError) -> UInt8 {
        guard position < file.count else { throw error("the file ends here, in the middle of a value") }
        defer { position += 1 }
        return file[position]
    }

    /// The next byte, not taken; 0 at the end.
    private var next: UInt8 { position < file.count ? file[position] : 0 }

    private mutating func expect(_ marker: Character) throws(ModelFormatError) {
        let place = position
        guard try byte() == marker.asciiValue else { throw error("expected the marker '\(marker)'", at: place) }
    }

    private mutating func value(depth: Int) throws(ModelFormatError) -> ModelValue {
        guard depth <= ModelBounds.nesting else { throw error("is nested deeper than \(ModelBounds.nesting)") }
        valueCount += 1
        guard valueCount <= ModelBounds.values else { throw error("more than \(ModelBounds.values) values") }
        let marker = try byte()
        switch marker {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "S"): return .string(try string(limit: file.count))
        case UInt8(ascii: "T"): return .boolean(true)
        case UInt8(ascii: "F"): return .boolean(false)
        case UInt8(ascii: "Z"): return .null
        case UInt8(ascii: "C"): return .integer(Int64(Int8(bitPattern: try byte())))
        default: break
        }
        guard let element = PackedNumbers.Element(rawValue: marker) else {
            throw error("expected a value's marker", at: position - 1)
        }
        return try number(element)
    }

    private mutating func number(_ element: PackedNumbers.Element) throws(ModelFormatError) -> ModelValue {
        let packed = PackedNumbers(element: element, file: file, range: try take(1, element))
        return element.isInteger ? .integer(packed.integer(0)) : .number(packed.number(0))
    }

    /// The range of `count` elements, which must all be there.
    private mutating func take(_ count: Int, _ element: PackedNumbers.Element) throws(ModelFormatError) -> Range<Int> {
        let left = (file.count - position) / element.byteCount
        guard count <= left else { throw error("\(count) elements are announced, there is room for \(left)") }
        defer { position += count * element.byteCount }
        return position..<position + count * element.byteCount
    }

    /// A count with its `L` (or another integer's) marker.
    private mutating func count() throws(ModelFormatError) -> Int {
        let place = position
        guard let element = PackedNumbers.Element(rawValue: try byte()), element.isInteger else {
            throw error("expected the length's integer marker", at: place)
        }
        let packed = PackedNumbers(element: element, file: file, range: try take(1, element))
        guard let count = Int(exactly: packed.integer(0)), count >= 0 else {
            throw error("the length must not be negative", at: place)
        }
        return count
    }

    private mutating func string(limit: Int) throws(ModelFormatError) -> String {
        let place = position
        let count = try count()
        guard count <= limit else { throw error("the string is longer than \(limit) bytes", at: place) }
        let range = try take(count, .uint8)
        guard let string = String(validating: file[range], as: UTF8.self) else {
            throw error("the string is not UTF-8", at: place)
        }
        return string
    }

    private mutating func object(depth: Int) throws(ModelFormatError) -> ModelValue {
        var members: [String: ModelValue] = [:]
        while next != UInt8(ascii: "}") {
            let place = position
            let key = try string(limit: ModelBounds.nameBytes)
            let value = try value(depth: depth + 1)
            guard members.updateValue(value, forKey: key) == nil else { throw error("the key stands twice", at: place) }
        }
        position += 1
        return .object(members)
    }

    private mutating func array(depth: Int) throws(ModelFormatError) -> ModelValue {
        if next == UInt8(ascii: "$") { return try typedArray() }
        var builder = ModelArrayBuilder()
        if next == UInt8(ascii: "#") {
            position += 1
            let count = try count()
            guard count <= file.count - position else {
                throw error("\(count) elements are announced, there is room for \(file.count - position)")
            }
            for _ in 0..<count { builder.append(try element(depth: depth)) }
        } else {
            while next != UInt8(ascii: "]") { builder.append(try element(depth: depth)) }
            position += 1
        }
        return builder.value
    }

    /// An array's element; plain numbers do not count as values.
    private mutating func element(depth: Int) throws(ModelFormatError) -> ModelValue {
        if let element = PackedNumbers.Element(rawValue: next) {
            position += 1
            return try number(element)
        }
        return try value(depth: depth + 1)
    }

    private mutating func typedArray() throws(ModelFormatError) -> ModelValue {
        try expect("$")
        let place = position
        guard let element = PackedNumbers.Element(rawValue: try byte()) else {
            throw error("expected a number's marker as the array's type", at: place)
        }
        try expect("#")
        let count = try count()
        return .packed(PackedNumbers(element: element, file: file, range: try take(count, element)))
    }
}
