// Mutations of an ONNX file that know its messages: the file is taken apart into fields, a few of
// them change, and lengths are written anew, so that most mutants get past the wire format and into
// the graph.  Some get lying lengths and flipped bytes all the same.

struct ProtobufMutator {
    /// A field: a number, four or eight bytes, text or bytes, or a message of fields.
    private indirect enum Value {
        case varint(UInt64)
        case fixed([UInt8])
        case bytes([UInt8])
        case message([Field])
    }

    private struct Field {
        var number: UInt64
        var value: Value
    }

    /// Which fields are messages, and of which kind, by the kind that holds them.
    private static let messages: [String: [UInt64: String]] = [
        "model": [7: "graph", 8: "opset"],
        "graph": [1: "node", 5: "tensor", 11: "info", 12: "info"],
        "node": [5: "attribute"],
        "attribute": [5: "tensor"],
        "info": [2: "type"],
        "type": [1: "tensorType"],
        "tensorType": [2: "shape"],
        "shape": [1: "dimension"],
    ]

    private static let integers: [UInt64] = [
        0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 16, 18, 31, 127, 255, 65_536, 1 << 24, 1 << 31, 1 << 40, 1 << 63, .max,
        UInt64(bitPattern: -2),
    ]
    private static let floats: [UInt32] = [
        0, 0x8000_0000, 0x3F80_0000, 0xBF80_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 1, 0x7F7F_FFFF, 0x4B80_0001,
    ]
    private static let words = [
        "", "X", "Y", "SUM", "AVERAGE", "MIN", "MAX", "NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT", "LEAF",
        "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE", "BRANCH_EQ", "BRANCH_NEQ", "Add", "Div", "Concat", "Cast",
        "Exp", "Log", "ArgMax", "Softmax", "Reshape", "Transpose", "Identity", "ReduceMean", "Where", "Scaler",
        "MatMul",
        "TreeEnsemble", "ai.onnx.ml", "axis", "\u{0}", "größe",
    ]

    static func mutate(_ file: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var position = 0
        var fields = parse(file, &position, file.count, "model")
        for _ in 0..<Int.random(in: 1...4, using: &random) { change(&fields, &random) }
        var written = write(fields)
        if random.chance(0.1) { written = Mutators.bytes(written, &random) }
        if random.chance(0.05) { written = Array(written.prefix(Int.random(in: 0...written.count, using: &random))) }
        return written
    }

    /// Changes one field somewhere below.
    private static func change(_ fields: inout [Field], _ random: inout SeededGenerator) {
        guard !fields.isEmpty else { return }
        let index = Int.random(in: 0..<fields.count, using: &random)
        if case .message(var inner) = fields[index].value, random.chance(0.9) {
            change(&inner, &random)
            fields[index].value = .message(inner)
            return
        }
        switch Int.random(in: 0...9, using: &random) {
        case 0: fields.remove(at: index)
        case 1: fields.insert(fields[index], at: Int.random(in: 0...fields.count, using: &random))
        case 2: fields.swapAt(index, Int.random(in: 0..<fields.count, using: &random))
        case 3: fields[index].number = UInt64.random(in: 1...26, using: &random)
        case 4: fields[index].value = fields.randomElement(using: &random)!.value
        default: fields[index].value = changed(fields[index].value, &random)
        }
    }

    private static func changed(_ value: Value, _ random: inout SeededGenerator) -> Value {
        switch value {
        case .varint(let number):
            return .varint(random.chance(0.3) ? number &+ 1 : integers.randomElement(using: &random)!)
        case .fixed(let bytes):
            let pattern = floats.randomElement(using: &random)!
            return bytes.count == 4
                ? .fixed(withUnsafeBytes(of: pattern.littleEndian) { Array($0) })
                : .fixed(Mutators.bytes(bytes, &random))
        case .bytes(let bytes):
            if random.chance(0.3) { return .bytes(Array(words.randomElement(using: &random)!.utf8)) }
            if bytes.count >= 8, random.chance(0.5) {
                // A number of raw_data.
                var bytes = bytes
                let place = Int.random(in: 0...(bytes.count / 4 - 1), using: &random) * 4
                withUnsafeBytes(of: floats.randomElement(using: &random)!.littleEndian) {
                    bytes.replaceSubrange(place..<place + 4, with: $0)
                }
                return .bytes(bytes)
            }
            return .bytes(Mutators.bytes(bytes, &random))
        case .message(let fields): return .message(fields.filter { _ in !random.chance(0.3) })
        }
    }

    private static func parse(_ file: [UInt8], _ position: inout Int, _ end: Int, _ kind: String) -> [Field] {
        var fields: [Field] = []
        while position < end {
            let tag = varint(file, &position)
            switch tag & 7 {
            case 0: fields.append(Field(number: tag >> 3, value: .varint(varint(file, &position))))
            case 2:
                let stop = Int(varint(file, &position)) + position
                if let inner = messages[kind]?[tag >> 3] {
                    fields.append(Field(number: tag >> 3, value: .message(parse(file, &position, stop, inner))))
                } else {
                    fields.append(Field(number: tag >> 3, value: .bytes(Array(file[position..<stop]))))
                }
                position = stop
            case let type:
                let size = type == 1 ? 8 : 4
                fields.append(Field(number: tag >> 3, value: .fixed(Array(file[position..<position + size]))))
                position += size
            }
        }
        return fields
    }

    private static func varint(_ file: [UInt8], _ position: inout Int) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = file[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    private static func write(_ fields: [Field]) -> [UInt8] {
        var bytes: [UInt8] = []
        for field in fields {
            switch field.value {
            case .varint(let value):
                append(field.number << 3, to: &bytes)
                append(value, to: &bytes)
            case .fixed(let value):
                append(field.number << 3 | (value.count == 8 ? 1 : 5), to: &bytes)
                bytes += value
            case .bytes(let value):
                append(field.number << 3 | 2, to: &bytes)
                append(UInt64(value.count), to: &bytes)
                bytes += value
            case .message(let inner):
                let value = write(inner)
                append(field.number << 3 | 2, to: &bytes)
                append(UInt64(value.count), to: &bytes)
                bytes += value
            }
        }
        return bytes
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }
}
