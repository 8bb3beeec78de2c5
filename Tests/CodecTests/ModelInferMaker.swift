// ModelInferRequests at random: most of them right, many nearly so, some broken.

import FuzzSupport
import GRPC
import SwiftProtobuf

struct ModelInferMaker {
    /// Stands in requests, and must never stand in a message of ours; not a plain name, which may.
    static let secret = "4532 0151"
    private static let types = [
        "FP32", "FP64", "BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64",
    ]
    private static let sizes = [4, 8, 1, 1, 2, 4, 8, 1, 2, 4, 8]

    var random: SplitMix

    init(seed: UInt64) { random = SplitMix(seed: seed) }

    /// One in `n`.
    private mutating func chance(_ n: Int) -> Bool { Int.random(in: 0..<n, using: &random) == 0 }
    private mutating func pick<Element>(_ list: [Element]) -> Element { list.randomElement(using: &random)! }

    mutating func message() -> [UInt8] {
        var fields = ProtobufWriter()
        let rows = Int.random(in: 1...8, using: &random)
        let place = Int.random(in: 0..<Self.types.count, using: &random)
        let type = chance(30) ? pick(["BYTES", "FP16", "", Self.secret]) : Self.types[place]
        let isRaw = chance(2)
        var parts: [(inout ProtobufWriter) -> Void] = [{ $0.field(1, "fraud") }]
        if chance(3) {
            let id = pick(["", "an id", "ü€𝄞", Self.secret])
            parts.append { $0.field(3, id) }
        }
        let tensor = tensor(type, rows, typed: !isRaw || chance(20) ? place : nil)
        for _ in 0..<(chance(20) ? 2 : 1) { parts.append { $0.element(5, bytes: tensor) } }
        if isRaw {
            let raw = bytes(type, chance(15) ? Int.random(in: 0...300, using: &random) : rows * 4 * Self.sizes[place])
            for _ in 0..<(chance(20) ? 2 : 1) { parts.append { $0.element(7, bytes: raw) } }
        }
        for _ in 0..<(chance(3) ? Int.random(in: 1...3, using: &random) : 0) { parts.append(output()) }
        if chance(4) { parts.append(parameter(4)) }
        if chance(5) { parts.append(unknown()) }
        if chance(3) { parts.shuffle(using: &random) }
        for part in parts { part(&fields) }
        return chance(3) ? bend(fields.bytes) : fields.bytes
    }

    private mutating func bytes(_ type: String, _ count: Int) -> [UInt8] {
        let top: UInt8 = type == "BOOL" && !chance(5) ? 1 : 255
        return (0..<count).map { _ in UInt8.random(in: 0...top, using: &random) }
    }

    private mutating func tensor(_ type: String, _ rows: Int, typed: Int?) -> [UInt8] {
        var fields = ProtobufWriter()
        fields.field(1, chance(30) ? Self.secret : "features")
        fields.field(2, type)
        let shape: [Int64] =
            chance(20)
            ? pick([
                [], [4], [Int64(rows), 4, 1], [.max, 4], [-1, 4], [0, 4], [9, 4], [Int64(rows), .max], [1 << 62, 4],
            ])
            : [Int64(rows), 4]
        if chance(3) {
            for dimension in shape { fields.present(3, UInt64(bitPattern: dimension)) }
        } else {
            fields.packed(3, shape)
        }
        if chance(6) { parameter(4)(&fields) }
        if let typed {
            let count = chance(15) ? Int.random(in: 0...40, using: &random) : rows * 4
            let split = chance(3) ? Int.random(in: 0...count, using: &random) : count
            fields.element(5, bytes: contents(typed, split))
            if split < count || chance(10) { fields.element(5, bytes: contents(typed, count - split)) }
        }
        if chance(6) { unknown()(&fields) }
        return fields.bytes
    }

    /// `count` values of a type: mostly packed, now and then one by one.
    private mutating func contents(_ place: Int, _ count: Int) -> [UInt8] {
        var contents = OracleContents()
        for _ in 0..<count { append(chance(200) ? Int.random(in: 0...10, using: &random) : place, &contents) }
        guard let packed: [UInt8] = try? contents.serializedBytes() else { return [] }
        guard chance(3), place > 1, count > 0 else { return packed }
        var fields = ProtobufWriter()
        for value in contents.ints { fields.present(2, UInt64(bitPattern: Int64(value))) }
        for value in contents.int64s { fields.present(3, UInt64(bitPattern: value)) }
        for value in contents.uints { fields.present(4, UInt64(value)) }
        for value in contents.uint64s { fields.present(5, value) }
        for value in contents.bools { fields.present(1, value ? UInt64.random(in: 1 ... .max, using: &random) : 0) }
        return fields.bytes
    }

    private mutating func append(_ place: Int, _ contents: inout OracleContents) {
        let wide = chance(100)
        switch place {
        case 0: contents.floats.append(pick([0.5, -1, .nan, .infinity, .random(in: -9...9, using: &random)]))
        case 1: contents.doubles.append(pick([0.25, .nan, -.infinity, .random(in: -9...9, using: &random)]))
        case 2: contents.bools.append(.random(using: &random))
        case 3: contents.ints.append(wide ? 128 : .random(in: -128...127, using: &random))
        case 4: contents.ints.append(wide ? -32769 : .random(in: -32768...32767, using: &random))
        case 5: contents.ints.append(.random(in: .min ... .max, using: &random))
        case 6: contents.int64s.append(.random(in: .min ... .max, using: &random))
        case 7: contents.uints.append(wide ? 256 : .random(in: 0...255, using: &random))
        case 8: contents.uints.append(wide ? 65536 : .random(in: 0...65535, using: &random))
        case 9: contents.uints.append(.random(in: 0 ... .max, using: &random))
        default: contents.uint64s.append(.random(in: 0 ... .max, using: &random))
        }
    }

    private mutating func output() -> (inout ProtobufWriter) -> Void {
        let name = pick([
            "score", "margin", "label", "prediction_id", "contributions", "reasons", "score", "margin", "label",
            Self.secret,
        ])
        let extra = chance(5) ? parameter(2) : { _ in }
        return { fields in
            fields.message(6) {
                $0.field(1, name)
                extra(&$0)
            }
        }
    }

    /// A pair of a map.
    private mutating func parameter(_ number: Int) -> (inout ProtobufWriter) -> Void {
        let name = pick([
            "timeout", "priority", "any", Self.secret, "classification", "shared_memory_offset", "explain", "explain",
            "explain_class",
        ])
        let value = Int.random(in: 1...8, using: &random)
        let count = UInt64.random(in: 0...5, using: &random)
        return { fields in
            fields.message(number) { entry in
                entry.field(1, name)
                entry.message(2) { choice in
                    switch value {
                    case 1: choice.present(1, 1)
                    case 2: choice.present(2, 25)
                    case 3: choice.element(3, Self.secret)
                    case 4: choice.field(2, -1 as Int64)
                    case 5: choice.present(5, .max)
                    case 6: choice.present(1, 0)
                    case 7: choice.present(2, count)
                    default: break
                    }
                }
            }
        }
    }

    /// Fields that nobody knows, of every wire type.
    private mutating func unknown() -> (inout ProtobufWriter) -> Void {
        let number = pick([9, 15, 16, 1000, 536_870_911])
        let isText = chance(2)
        return { fields in if isText { fields.element(number, Self.secret) } else { fields.present(number, 7) } }
    }

    /// A byte changed, taken out or put in, or the end cut off.
    private mutating func bend(_ message: [UInt8]) -> [UInt8] {
        var message = message
        for _ in 0..<Int.random(in: 1...3, using: &random) where !message.isEmpty {
            let place = Int.random(in: 0..<message.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: message[place] = .random(in: 0...255, using: &random)
            case 1: message[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: message.remove(at: place)
            case 3: message.insert(.random(in: 0...255, using: &random), at: place)
            default: message.removeLast(message.count - place)
            }
        }
        return message
    }
}
