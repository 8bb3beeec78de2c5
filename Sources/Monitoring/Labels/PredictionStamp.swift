// Prediction ids: what an answer says of itself, so that nothing has to be kept until its label comes.
//
//      0  format, key, flags and groups, arm          4 × u8
//      4  number of the request                       6 bytes of milliseconds since 1970, 6 of its own; first highest
//     16  what the version's ids mean                 5 bytes, `LabelSubject.identity`
//     21  decision, row                               u8 each, or u16 where the arm's byte has its highest bit
//         score                                       4 or 8 bytes, as the model gives it
//         amount, codes of the groups, arm's name     where there are any: 4 or 8, 1 each, its length
//         SipHash-2-4 of all of it                    7 bytes, the lowest
//
// There is a row where the format's byte has its highest bit; without it, it is row 0.
// In base64url: 44 characters for a plain one, and no more than needed: HTTP/2 packs each in 24 instructions. Whoever
// does not hold the key can make none and change none; what is in it can be read by who has it, so features that are
// personal are never in it. Numbers are little-endian but the request's, which sorts by time, and is the decision log's
// `id`.

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
    public var row: Int
    public var score: Double
    public var isDouble: Bool
    public var decision: Int
    public var isFallback: Bool
    /// One that the gateway names itself, by its number; 255: `armName` says it.
    public var arm: UInt8
    public var armName: UnsafeRawBufferPointer

    public init(
        number: RequestNumber, row: Int, score: Double, isDouble: Bool, decision: Int, isFallback: Bool, arm: UInt8?,
        armName: UnsafeRawBufferPointer
    ) {
        (self.number, self.row, self.score, self.isDouble) = (number, row, score, isDouble)
        (self.decision, self.isFallback) = (decision, isFallback)
        (self.arm, self.armName) = (arm ?? 255, armName)
    }
}

extension PredictionStamp {
    static let format: UInt8 = 1
    static let fixedBytes = 21
    static let codeBytes = 7
    static let hasRow: UInt8 = 128
    static let armNameMax = 64
    static let bytesMax = fixedBytes + 4 + 8 + 8 + groupsMax + armNameMax + codeBytes
    /// Of an id's text, and what is written behind it.
    public static let textMax = Base64URL.textBytes(bytesMax) + Base64URL.margin
    static let namedArm: UInt8 = 16
    static let isWide: UInt8 = 128

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
        withUnsafeTemporaryAllocation(byteCount: Self.bytesMax + Base64URL.margin, alignment: 8) { memory in
            // SAFETY: `bytesMax` adds up what is written, and a last byte of the code lies in the margin.
            let base = memory.baseAddress.unsafelyUnwrapped
            var end = writeHead(mark, isDouble, base)
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
            return Base64URL.write(base, end + Self.codeBytes - base, to: out)
        }
    }

    @inline(__always)
    private func writeHead(
        _ mark: PredictionMark, _ isDouble: Bool, _ base: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var flags = UInt8(truncatingIfNeeded: groupCount) << 4
        if mark.isDouble { flags |= Flags.doubleScore }
        if mark.isFallback { flags |= Flags.fallback }
        if amountColumn >= 0 { flags |= isDouble ? Flags.amount | Flags.doubleAmount : Flags.amount }
        let name = UInt8(truncatingIfNeeded: min(mark.armName.count, Self.armNameMax))
        base.storeBytes(of: mark.row == 0 ? Self.format : Self.format | Self.hasRow, as: UInt8.self)
        base.storeBytes(of: keyNumber, toByteOffset: 1, as: UInt8.self)
        base.storeBytes(of: flags, toByteOffset: 2, as: UInt8.self)
        let isWide = mark.row > 255 || mark.decision > 255
        let arm = mark.arm == 255 ? Self.namedArm + name : mark.arm
        base.storeBytes(of: isWide ? arm | Self.isWide : arm, toByteOffset: 3, as: UInt8.self)
        base.storeBytes(of: mark.number.high.bigEndian, toByteOffset: 4, as: UInt64.self)
        base.storeBytes(of: mark.number.low.bigEndian, toByteOffset: 12, as: UInt32.self)
        // The three bytes too many are the decision's and what follows.
        base.storeBytes(of: identity.littleEndian, toByteOffset: 16, as: UInt64.self)
        let end = Self.write(mark.decision, isWide, base + Self.fixedBytes)
        return mark.row == 0 ? end : Self.write(mark.row, isWide, end)
    }

    @inline(__always)
    private static func write(
        _ number: Int, _ isWide: Bool, _ place: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        if isWide {
            place.storeBytes(of: UInt16(truncatingIfNeeded: number).littleEndian, as: UInt16.self)
            return place + 2
        }
        place.storeBytes(of: UInt8(truncatingIfNeeded: number), as: UInt8.self)
        return place + 1
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
