// Prediction ids: what an answer says of itself, so that nothing has to be kept until its label comes.
//
//      0  format, key, flags and groups, arm          4 × u8
//      4  number of the request                       6 bytes of milliseconds since 1970, 10 drawn; first byte highest
//     20  what the version's ids mean                 u64, `LabelSubject.identity`
//     28  row, decision                               2 × u16
//     32  score                                       4 or 8 bytes, as the model gives it
//         amount, codes of the groups, arm's name     where there are any: 4 or 8, 1 each, its length
//         SipHash-2-4 of all of it                    u64
//
// In base64url: 59 characters for a plain one. Whoever does not hold the key can make none and change none; what is in it
// can be read by who has it, so features that are personal are never in it. Numbers are little-endian but the request's,
// which sorts by time, and is the decision log's `id`.

internal import Primitives

/// A version's ids in plain words: what the data plane needs to write them.
public struct PredictionStamp: Sendable {
    /// A feature whose code an id carries.
    public struct Group: Sendable {
        public var column: Int32
        /// Codes from here on count as others.
        public var values: UInt8

        public init(column: Int, values: Int) {
            (self.column, self.values) = (Int32(column), UInt8(values))
        }
    }

    public static let groupsMax = 8
    /// Of a group's values; two more say "another" and "missing".
    public static let valuesMax = 254
    public static let other: UInt8 = 254
    public static let missing: UInt8 = 255

    /// Ids are given out.
    public let isOn: Bool
    let key: SipHash
    let keyNumber: UInt8
    let identity: UInt64
    /// Of the feature that is the money at stake; -1: there is none.
    let amountColumn: Int
    let groupCount: Int
    let groups: InlineArray<8, Group>

    /// None are given out.
    public static var off: PredictionStamp { PredictionStamp() }

    private init() {
        isOn = false
        (key, keyNumber, identity) = (SipHash(0, 0), 0, 0)
        (amountColumn, groupCount) = (-1, 0)
        groups = .init(repeating: Group(column: 0, values: 0))
    }

    public init(_ key: PredictionKey, identity: UInt64, amountColumn: Int?, groups columns: [Group]) {
        precondition(columns.count <= Self.groupsMax)
        isOn = true
        (self.key, keyNumber, self.identity) = (key.hash, key.number, identity)
        self.amountColumn = amountColumn ?? -1
        groupCount = columns.count
        var groups: InlineArray<8, Group> = .init(repeating: Group(column: 0, values: 0))
        for (index, column) in columns.enumerated() { groups[index] = column }
        self.groups = groups
    }
}

/// What is stamped of one row.
public struct PredictionMark {
    /// Of the request: `PredictionMark.number`.
    public var number: (UInt64, UInt64)
    public var row: Int
    public var score: Double
    public var isDouble: Bool
    public var decision: Int
    public var isFallback: Bool
    /// One that the gateway names itself, by its number; 255: `armName` says it.
    public var arm: UInt8
    public var armName: UnsafeRawBufferPointer

    public init(
        number: (UInt64, UInt64), row: Int, score: Double, isDouble: Bool, decision: Int, isFallback: Bool, arm: UInt8?,
        armName: UnsafeRawBufferPointer
    ) {
        (self.number, self.row, self.score, self.isDouble) = (number, row, score, isDouble)
        (self.decision, self.isFallback) = (decision, isFallback)
        (self.arm, self.armName) = (arm ?? 255, armName)
    }

    /// Of a moment (milliseconds since 1970) and 80 drawn bits.
    @inlinable
    public static func number(millis: UInt64, _ first: UInt64, _ second: UInt64) -> (UInt64, UInt64) {
        (millis << 16 | first & 0xffff, second)
    }
}

extension PredictionStamp {
    static let format: UInt8 = 1
    static let fixedBytes = 32
    static let armNameMax = 64
    static let bytesMax = fixedBytes + 8 + 8 + groupsMax + armNameMax + 8
    /// Of an id's text.
    public static let textMax = Base64URL.textBytes(bytesMax)
    static let namedArm: UInt8 = 16

    enum Flags {
        static let doubleScore: UInt8 = 1
        static let fallback: UInt8 = 2
        static let amount: UInt8 = 4
        static let doubleAmount: UInt8 = 8
    }

    /// Writes a row's id, `textMax` bytes at the most; returns how long it is. `values`: the row's features, doubles or
    /// floats. Allocates nothing; about 65 ns.
    public func write(
        _ mark: PredictionMark, values: UnsafeRawPointer, isDouble: Bool, to out: UnsafeMutableRawPointer
    ) -> Int {
        withUnsafeTemporaryAllocation(byteCount: Self.bytesMax, alignment: 8) { memory in
            // SAFETY: `bytesMax` adds up what is written.
            let base = memory.baseAddress.unsafelyUnwrapped
            writeHead(mark, isDouble, base)
            var end = base + Self.fixedBytes
            if mark.isDouble {
                end.storeBytes(of: mark.score.bitPattern.littleEndian, as: UInt64.self)
                end += 8
            } else {
                end.storeBytes(of: Float(mark.score).bitPattern.littleEndian, as: UInt32.self)
                end += 4
            }
            end = writeValues(values, isDouble, end)
            if mark.arm == 255 {
                let count = min(mark.armName.count, Self.armNameMax)
                if let name = mark.armName.baseAddress { end.copyMemory(from: name, byteCount: count) }
                end += count
            }
            let code = key.hash(UnsafeRawBufferPointer(start: base, count: end - base))
            end.storeBytes(of: code.littleEndian, as: UInt64.self)
            return Base64URL.write(UnsafeRawBufferPointer(start: base, count: end + 8 - base), to: out)
        }
    }

    @inline(__always)
    private func writeHead(_ mark: PredictionMark, _ isDouble: Bool, _ base: UnsafeMutableRawPointer) {
        var flags = UInt8(truncatingIfNeeded: groupCount) << 4
        if mark.isDouble { flags |= Flags.doubleScore }
        if mark.isFallback { flags |= Flags.fallback }
        if amountColumn >= 0 { flags |= isDouble ? Flags.amount | Flags.doubleAmount : Flags.amount }
        let name = UInt8(truncatingIfNeeded: min(mark.armName.count, Self.armNameMax))
        base.storeBytes(of: Self.format, as: UInt8.self)
        base.storeBytes(of: keyNumber, toByteOffset: 1, as: UInt8.self)
        base.storeBytes(of: flags, toByteOffset: 2, as: UInt8.self)
        base.storeBytes(of: mark.arm == 255 ? Self.namedArm + name : mark.arm, toByteOffset: 3, as: UInt8.self)
        base.storeBytes(of: mark.number.0.bigEndian, toByteOffset: 4, as: UInt64.self)
        base.storeBytes(of: mark.number.1.bigEndian, toByteOffset: 12, as: UInt64.self)
        base.storeBytes(of: identity.littleEndian, toByteOffset: 20, as: UInt64.self)
        base.storeBytes(of: UInt16(truncatingIfNeeded: mark.row).littleEndian, toByteOffset: 28, as: UInt16.self)
        base.storeBytes(of: UInt16(truncatingIfNeeded: mark.decision).littleEndian, toByteOffset: 30, as: UInt16.self)
    }

    /// The amount as it came, and a byte for each group.
    @inline(__always)
    private func writeValues(
        _ values: UnsafeRawPointer, _ isDouble: Bool, _ start: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var end = start
        if amountColumn >= 0 {
            if isDouble {
                let bits = values.loadUnaligned(fromByteOffset: 8 * amountColumn, as: UInt64.self)
                end.storeBytes(of: bits.littleEndian, as: UInt64.self)
                end += 8
            } else {
                let bits = values.loadUnaligned(fromByteOffset: 4 * amountColumn, as: UInt32.self)
                end.storeBytes(of: bits.littleEndian, as: UInt32.self)
                end += 4
            }
        }
        for index in 0..<groupCount {
            let value =
                isDouble
                ? values.loadUnaligned(fromByteOffset: 8 * Int(groups[index].column), as: Double.self)
                : Double(values.loadUnaligned(fromByteOffset: 4 * Int(groups[index].column), as: Float.self))
            end.storeBytes(of: Self.code(value, groups[index].values), as: UInt8.self)
            end += 1
        }
        return end
    }

    static func code(_ value: Double, _ values: UInt8) -> UInt8 {
        if value.isNaN { return missing }
        guard value >= 0, value < Double(values), value == value.rounded(.towardZero) else { return other }
        return UInt8(value)
    }
}
