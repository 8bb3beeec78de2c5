// TensorProto and AttributeProto: the numbers.
//
// A tensor's numbers stand in raw_data (little-endian) or in the list of their type, never in both,
// and there are exactly as many as the dimensions say.  float16 and bfloat16 are widened, which is
// exact; whether a graph may compute with them is decided later.

extension ONNXReader {
    /// The lists of a tensor, as they were found.
    private struct Parts {
        var reals: [Double] = []
        var int32: [Int64] = []
        var int64: [Int64] = []
        var uint64: [Int64] = []
        var doubles: [Double] = []
        var strings: [String] = []
        var raw: Range<Int>?

        var listCounts: [Int] {
            [reals.count, int32.count, int64.count, uint64.count, doubles.count, strings.count]
        }
    }

    mutating func tensor(_ range: Range<Int>, place: String) throws(ModelFormatError) -> ONNXTensor {
        var tensor = ONNXTensor()
        var dimensions: [Int64] = []
        var parts = Parts()
        var message = MessageReader("TensorProto", file: bytes, range: range, place: place)
        while let field = try message.next([
            1: .numbers(.varint), 2: .one(.varint), 3: .refused("a tensor in segments is not supported"),
            4: .numbers(.fixed32), 5: .numbers(.varint), 6: .many(.bytes), 7: .numbers(.varint), 8: .one(.bytes),
            9: .one(.bytes), 10: .numbers(.fixed64), 11: .numbers(.varint), 12: .ignored,
            13: .refused("external data is not supported; save the model in one file"), 14: .one(.varint), 16: .ignored,
        ]) {
            switch field.number {
            case 1: try message.wire.appendInts(field, to: &dimensions)
            case 2: tensor.element = try element(message.wire.varint(), message, field)
            case 4: try message.wire.appendFloats(field, to: &parts.reals)
            case 5: try message.wire.appendInts(field, to: &parts.int32)
            case 6:
                try count(field)
                parts.strings.append(try message.wire.string())
            case 7: try message.wire.appendInts(field, to: &parts.int64)
            case 8: tensor.name = try message.wire.string()
            case 9: parts.raw = try message.wire.bytes()
            case 10: try message.wire.appendDoubles(field, to: &parts.doubles)
            case 11: try message.wire.appendInts(field, to: &parts.uint64)
            default:
                guard try message.wire.varint() == 0 else {
                    throw message.error("external data is not supported; save the model in one file", field)
                }
            }
        }
        let place = tensor.name.isEmpty ? place : "\(place) (\(tensor.name))"
        tensor.dimensions = try checked(dimensions, place)
        tensor.storage = try storage(parts, tensor.element, place)
        let expected = tensor.dimensions.reduce(1, *)
        guard tensor.count == expected else {
            throw ModelFormatError(place, "has \(tensor.count) values, its dimensions say \(expected)")
        }
        return tensor
    }

    /// Dimensions whose product stays far from overflow.
    private func checked(_ dimensions: [Int64], _ place: String) throws(ModelFormatError) -> [Int] {
        guard dimensions.count <= 16 else { throw ModelFormatError("\(place).dims", "more than 16 dimensions") }
        var total = 1
        for dimension in dimensions {
            guard (0...Int64(ModelBounds.fileBytes)).contains(dimension), total <= ModelBounds.fileBytes else {
                throw ModelFormatError("\(place).dims", "ask for more values than a file can hold")
            }
            total *= Int(dimension)
        }
        return dimensions.map { Int($0) }
    }

    private func storage(
        _ parts: Parts, _ element: ONNXElement, _ place: String
    ) throws(ModelFormatError) -> ONNXTensor.Storage {
        let lists = parts.listCounts.filter { $0 > 0 }.count
        guard lists + (parts.raw == nil || parts.raw!.isEmpty ? 0 : 1) <= 1 else {
            throw ModelFormatError(place, "its values stand in more than one field")
        }
        if let raw = parts.raw, !raw.isEmpty { return try rawStorage(raw, element, place) }
        let held: Int
        let storage: ONNXTensor.Storage
        switch element {
        case .float: (held, storage) = (parts.reals.count, .numbers(parts.reals))
        case .double: (held, storage) = (parts.doubles.count, .numbers(parts.doubles))
        case .string: (held, storage) = (parts.strings.count, .strings(parts.strings))
        case .int64: (held, storage) = (parts.int64.count, .integers(parts.int64))
        case .uint32, .uint64:
            (held, storage) = (parts.uint64.count, .integers(try whole(parts.uint64, element, place)))
        case .float16, .bfloat16:
            (held, storage) = (
                parts.int32.count,
                .numbers(parts.int32.map { widen(UInt16(truncatingIfNeeded: $0), element) })
            )
        case .int32, .int16, .int8, .uint16, .uint8, .bool:
            (held, storage) = (parts.int32.count, .integers(try whole(parts.int32, element, place)))
        }
        guard held == parts.listCounts.reduce(0, +) else {
            throw ModelFormatError(place, "its values stand in a field of another type")
        }
        return storage
    }

    private func rawStorage(
        _ range: Range<Int>, _ element: ONNXElement, _ place: String
    ) throws(ModelFormatError) -> ONNXTensor.Storage {
        guard let size = element.byteCount else { throw ModelFormatError(place, "strings cannot stand in raw_data") }
        guard range.count % size == 0 else {
            throw ModelFormatError("\(place).raw_data", "\(range.count) bytes are no multiple of \(size)")
        }
        var bits: [UInt64] = []
        bits.reserveCapacity(range.count / size)
        for start in stride(from: range.lowerBound, to: range.upperBound, by: size) {
            var value: UInt64 = 0
            for index in (0..<size).reversed() { value = value << 8 | UInt64(bytes[start + index]) }
            bits.append(value)
        }
        switch element {
        case .float: return .numbers(bits.map { Double(Float(bitPattern: UInt32(truncatingIfNeeded: $0))) })
        case .double: return .numbers(bits.map { Double(bitPattern: $0) })
        case .float16, .bfloat16: return .numbers(bits.map { widen(UInt16(truncatingIfNeeded: $0), element) })
        case .int32: return .integers(bits.map { Int64(Int32(truncatingIfNeeded: $0)) })
        case .int16: return .integers(bits.map { Int64(Int16(truncatingIfNeeded: $0)) })
        case .int8: return .integers(bits.map { Int64(Int8(truncatingIfNeeded: $0)) })
        default: return .integers(try whole(bits.map { Int64(bitPattern: $0) }, element, place))
        }
    }

    /// Integers that must be of the element's range.
    private func whole(
        _ values: [Int64], _ element: ONNXElement, _ place: String
    ) throws(ModelFormatError) -> [Int64] {
        let range: ClosedRange<Int64>
        switch element {
        case .bool: range = 0...1
        case .uint8: range = 0...255
        case .int8: range = -128...127
        case .uint16: range = 0...65_535
        case .int16: range = -32_768...32_767
        case .int32: range = Int64(Int32.min)...Int64(Int32.max)
        case .uint32: range = 0...Int64(UInt32.max)
        case .uint64: range = 0...Int64.max
        default: range = Int64.min...Int64.max
        }
        if let index = values.firstIndex(where: { !range.contains($0) }) {
            throw ModelFormatError("\(place)[\(index)]", "must be \(range.lowerBound) to \(range.upperBound)")
        }
        return values
    }

    /// A half-precision number, exactly.
    private func widen(_ bits: UInt16, _ element: ONNXElement) -> Double {
        if element == .bfloat16 { return Double(Float(bitPattern: UInt32(bits) << 16)) }
        let fraction = Double(bits & 0x3FF)
        let exponent = Int(bits >> 10 & 0x1F)
        let magnitude: Double
        switch exponent {
        case 0: magnitude = fraction * 0x1p-24
        case 31: magnitude = fraction == 0 ? .infinity : .nan
        default: magnitude = Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
        }
        return bits & 0x8000 == 0 ? magnitude : -magnitude
    }
}

extension ONNXReader {
    private static let kinds = [
        1: "float", 2: "int", 3: "string", 4: "tensor", 5: "graph", 6: "floats", 7: "ints", 8: "strings",
    ]

    /// AttributeProto: its name, and the one value that its type says it has.
    mutating func attribute(
        _ range: Range<Int>, place: String
    ) throws(ModelFormatError) -> (name: String, value: ONNXAttribute) {
        var parts = AttributeParts()
        var message = MessageReader("AttributeProto", file: bytes, range: range, place: "\(place).attribute")
        while let field = try message.next([
            1: .one(.bytes), 2: .one(.fixed32), 3: .one(.varint), 4: .one(.bytes), 5: .one(.bytes),
            6: .refused("graphs within a node (If, Loop, Scan) are not supported"), 7: .numbers(.fixed32),
            8: .numbers(.varint), 9: .many(.bytes), 10: .refused("lists of tensors are not supported"),
            11: .refused("lists of graphs are not supported"), 13: .ignored,
            14: .refused("type attributes are not supported"), 15: .refused("type attributes are not supported"),
            20: .one(.varint), 21: .refused("references to a function's attributes are not supported"),
            22: .refused("sparse tensors are not supported"), 23: .refused("sparse tensors are not supported"),
        ]) {
            switch field.number {
            case 1: parts.name = try message.wire.string()
            case 2: parts.float = Double(Float(bitPattern: try message.wire.fixed32()))
            case 3: parts.integer = Int64(bitPattern: try message.wire.varint())
            case 4: parts.string = try message.wire.string()
            case 5: parts.tensor = try tensor(message.wire.bytes(), place: "\(place).attribute[\(parts.name)]")
            case 7: try message.wire.appendFloats(field, to: &parts.floats)
            case 8: try message.wire.appendInts(field, to: &parts.integers)
            case 9:
                try count(field)
                parts.strings.append(try message.wire.string())
            default: parts.kind = Int(clamping: try message.wire.varint())
            }
        }
        guard !parts.name.isEmpty else { throw ModelFormatError("\(place).attribute", "an attribute has no name") }
        guard let value = parts.value else {
            let kind = Self.kinds[parts.kind] ?? "type \(parts.kind)"
            throw ModelFormatError("\(place).attribute[\(parts.name)]", "says it is a \(kind), and holds none")
        }
        return (parts.name, value)
    }

    private struct AttributeParts {
        var name = ""
        var kind = 0
        var float: Double?
        var integer: Int64?
        var string: String?
        var tensor: ONNXTensor?
        var floats: [Double] = []
        var integers: [Int64] = []
        var strings: [String] = []

        /// A scalar that is its type's default may be left out, as proto3 writers do.
        var value: ONNXAttribute? {
            switch kind {
            case 1: .float(float ?? 0)
            case 2: .integer(integer ?? 0)
            case 3: .string(string ?? "")
            case 4: tensor.map { .tensor($0) }
            case 6: .floats(floats)
            case 7: .integers(integers)
            case 8: .strings(strings)
            default: nil
            }
        }
    }
}
