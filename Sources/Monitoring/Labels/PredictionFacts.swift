// A prediction id, read: who made it is checked before anything of it is believed.

internal import Primitives

public struct PredictionFacts: Sendable, Equatable {
    public var number: RequestNumber
    public var row: Int
    public var identity: UInt64
    /// One that the gateway names itself, by its number; nil: `armName` says it.
    public var arm: UInt8?
    public var armName: String
    public var isFallback: Bool
    public var score: Double
    public var decision: Int
    /// nil: missing, or the model names none.
    public var amount: Double?
    /// Codes of the version's groups, in their order.
    public var groups: [UInt8]

    /// nil: not made with one of the keys, or changed since.
    public init?(_ text: some Collection<UInt8>, _ keys: PredictionKeys) {
        guard text.count <= PredictionStamp.textMax, let bytes = Base64URL.read(text),
            bytes.count > PredictionStamp.fixedBytes + PredictionStamp.codeBytes,
            bytes[0] & PredictionStamp.Flags.formatBits == PredictionStamp.Flags.format, let key = keys[bytes[1]]
        else { return nil }
        let body = bytes.dropLast(PredictionStamp.codeBytes)
        let code = body.withUnsafeBytes { key.hash.hash($0) }
        // One comparison of one word takes as long whatever differs.
        let shown = Self.number(bytes, body.count, PredictionStamp.codeBytes)
        guard code & 0xffff_ffff_ffff ^ shown == 0 else { return nil }
        self.init(genuine: Array(body))
    }

    /// Of bytes that a key has vouched for; nil: of another release, whose ids have more to them.
    private init?(genuine bytes: [UInt8]) {
        typealias Flags = PredictionStamp.Flags
        let flags = bytes[0]
        let low = UInt32(Self.number(bytes, 11, 4)).byteSwapped
        number = RequestNumber(high: Self.number(bytes, 3, 8).byteSwapped, low: low)
        identity = Self.number(bytes, 15, 4)
        isFallback = flags & Flags.fallback != 0
        var place = PredictionStamp.fixedBytes
        func count() -> Int? {
            let width = flags & Flags.wide != 0 ? 2 : 1
            guard place + width <= bytes.count else { return nil }
            defer { place += width }
            return Int(Self.number(bytes, place, width))
        }
        guard let decision = count(), let row = flags & Flags.row != 0 ? count() : 0 else { return nil }
        (self.decision, self.row) = (decision, row)
        func float(isDouble: Bool) -> Double? {
            let count = isDouble ? 8 : 4
            guard place + count <= bytes.count else { return nil }
            defer { place += count }
            let bits = Self.number(bytes, place, count)
            return isDouble ? Double(bitPattern: bits) : Double(Float(bitPattern: UInt32(bits)))
        }
        guard let score = float(isDouble: flags & Flags.doubleScore != 0) else { return nil }
        self.score = score
        amount = nil
        if flags & Flags.amount != 0 {
            guard let amount = float(isDouble: flags & Flags.doubleAmount != 0) else { return nil }
            self.amount = amount.isFinite ? amount : nil
        }
        let groupCount = Int(bytes[2] & 15)
        guard place + groupCount <= bytes.count else { return nil }
        groups = Array(bytes[place..<place + groupCount])
        place += groupCount
        arm = bytes[2] >> 4 == PredictionStamp.namedArm ? nil : bytes[2] >> 4
        guard arm == nil || place == bytes.count else { return nil }
        armName = String(decoding: bytes[place...], as: UTF8.self)
    }

    private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> UInt64 {
        bytes[start..<start + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
