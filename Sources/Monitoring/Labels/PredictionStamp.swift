// Prediction ids: what an answer says of itself, so that nothing has to be kept until its label comes.
//
//      0  what there is, key, arm and groups          3 × u8
//      3  number of the request                        6 bytes of milliseconds since 1970, 6 of its own; first highest
//     15  what the version's ids mean                  4 bytes, `LabelSubject.identity`
//     19  decision                                     u8, or u16
//         row, where a request has many                as the decision
//         score                                        4 or 8 bytes, as the model gives it
//         amount, codes of the groups, arm's name      where there are any: 4 or 8, 1 each, its length
//         SipHash-2-4 of all of it                     6 bytes, the lowest
//
// In base64url: 40 characters for a plain one, and no more than needed: HTTP/2 packs each in 23 instructions. Whoever
// does not hold the key can make none and change none (a guess is right once in 2^48 times); what is in it can be read by
// who has it, so features that are personal are never in it. Numbers are little-endian but the request's, which sorts by
// time, and is the decision log's `id`. All ids of an answer have one length.

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
    public var number: RequestNumber
    /// nil: the request has one.
    public var row: Int?
    /// Some row or class of the answer is beyond a byte.
    public var isWide: Bool
    public var score: Double
    public var isDouble: Bool
    public var decision: Int
    public var isFallback: Bool
    /// One that the gateway names itself, by its number; 255: `armName` says it.
    public var arm: UInt8
    public var armName: UnsafeRawBufferPointer

    public init(
        number: RequestNumber, row: Int?, isWide: Bool, score: Double, isDouble: Bool, decision: Int,
        isFallback: Bool, arm: UInt8?, armName: UnsafeRawBufferPointer
    ) {
        (self.number, self.row, self.isWide, self.score, self.isDouble) = (number, row, isWide, score, isDouble)
        (self.decision, self.isFallback) = (decision, isFallback)
        (self.arm, self.armName) = (arm ?? 255, armName)
    }
}

extension PredictionStamp {
    static let fixedBytes = 19
    static let codeBytes = 6
    static let armNameMax = 64
    static let bytesMax = fixedBytes + 4 + 8 + 8 + groupsMax + armNameMax + codeBytes
    /// Of an id's text, and what is written behind it.
    public static let textMax = Base64URL.textBytes(bytesMax) + Base64URL.margin
    /// Arms by number; this one is named.
    static let namedArm: UInt8 = 7

    /// The first byte: the format, and what there is.
    enum Flags {
        static let format: UInt8 = 1
        static let formatBits: UInt8 = 3
        static let row: UInt8 = 4
        static let wide: UInt8 = 8
        static let doubleScore: UInt8 = 16
        static let fallback: UInt8 = 32
        static let amount: UInt8 = 64
        static let doubleAmount: UInt8 = 128
    }

    /// Writes a row's id, `textMax` bytes at the most; returns how long it is. `values`: the row's features, doubles or
    /// floats. Allocates nothing; about 65 ns.
    public func write(
        _ mark: PredictionMark, values: UnsafeRawPointer, isDouble: Bool, to out: UnsafeMutableRawPointer
    ) -> Int {
        withUnsafeTemporaryAllocation(byteCount: Self.bytesMax + Base64URL.margin, alignment: 8) { memory in
            // SAFETY: `bytesMax` adds up what is written, and what is written beyond an end lies in the margin.
            let base = memory.baseAddress.unsafelyUnwrapped
            var end = writeHead(mark, isDouble, base)
            end = writeValues(values, isDouble, end)
            if mark.arm == 255 {
                let count = min(mark.armName.count, Self.armNameMax)
                if let name = mark.armName.baseAddress { end.copyMemory(from: name, byteCount: count) }
                end += count
            }
            let code = key.hash(UnsafeRawBufferPointer(start: base, count: end - base))
            end.storeBytes(of: code.littleEndian, as: UInt64.self)
            return Base64URL.write(base, end + Self.codeBytes - base, to: out)
        }
    }

    /// All up to the score, in whole words, which are read again at once; returns where it ends.
    @inline(__always)
    private func writeHead(
        _ mark: PredictionMark, _ isDouble: Bool, _ base: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var flags = Flags.format
        if mark.row != nil { flags |= Flags.row }
        if mark.isWide { flags |= Flags.wide }
        if mark.isDouble { flags |= Flags.doubleScore }
        if mark.isFallback { flags |= Flags.fallback }
        if amountColumn >= 0 { flags |= isDouble ? Flags.amount | Flags.doubleAmount : Flags.amount }
        let arm = min(mark.arm, Self.namedArm) << 4 | UInt8(truncatingIfNeeded: groupCount)
        let (high, low) = (mark.number.high.byteSwapped, UInt64(mark.number.low.byteSwapped))
        let decision = UInt64(UInt16(truncatingIfNeeded: mark.decision))
        let words = (
            UInt64(flags) | UInt64(keyNumber) << 8 | UInt64(arm) << 16 | high << 24,
            high >> 40 | low << 24 | identity << 56, identity >> 8 | decision << 24
        )
        base.storeBytes(of: words.0.littleEndian, as: UInt64.self)
        base.storeBytes(of: words.1.littleEndian, toByteOffset: 8, as: UInt64.self)
        if flags & (Flags.row | Flags.wide | Flags.doubleScore) == 0 {
            let score = UInt64(Float(mark.score).bitPattern)
            base.storeBytes(of: (words.2 | score << 32).littleEndian, toByteOffset: 16, as: UInt64.self)
            return base + 24
        }
        base.storeBytes(of: words.2.littleEndian, toByteOffset: 16, as: UInt64.self)
        let width = mark.isWide ? 2 : 1
        var end = base + Self.fixedBytes + width
        if let row = mark.row {
            end.storeBytes(of: UInt16(truncatingIfNeeded: row).littleEndian, as: UInt16.self)
            end += width
        }
        if mark.isDouble {
            end.storeBytes(of: mark.score.bitPattern.littleEndian, as: UInt64.self)
            return end + 8
        }
        end.storeBytes(of: Float(mark.score).bitPattern.littleEndian, as: UInt32.self)
        return end + 4
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
