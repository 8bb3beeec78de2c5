// The form in which a rollout survives a restart: its fields in a fixed order, numbers as their bits, so that what
// continues is the same to the last bit.
//
//     "SRLL" | version | fields … | FNV-1a of all before it
//
// A reader takes nothing on trust: counts are bounded, enumerations checked, and a wrong checksum or version is an error,
// after which the owner serves stable alone.

/// What has a place in a snapshot.
protocol Storable {
    func write(to snapshot: inout SnapshotWriter)
    mutating func read(from snapshot: inout SnapshotReader) throws(SnapshotError)
}

public struct SnapshotError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

struct SnapshotWriter {
    static let magic: UInt32 = 0x4c4c_5253
    static let version: UInt64 = 1

    private(set) var bytes: [UInt8] = []

    init() {
        withUnsafeBytes(of: Self.magic.littleEndian) { bytes.append(contentsOf: $0) }
        write(Self.version)
    }

    mutating func write(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
    mutating func write(_ value: Int) { write(UInt64(bitPattern: Int64(value))) }
    mutating func write(_ value: Double) { write(value.bitPattern) }
    mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func write(_ text: String) {
        write(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func write<Value>(_ value: Value?, _ body: (inout SnapshotWriter, Value) -> Void) {
        write(value != nil)
        if let value { body(&self, value) }
    }

    /// All bytes, with the checksum behind them.
    func sealed() -> [UInt8] {
        var copy = self
        copy.write(SnapshotReader.checksum(bytes[...]))
        return copy.bytes
    }
}

struct SnapshotReader {
    static let textBytesMax: UInt64 = 4096

    private var rest: ArraySlice<UInt8>

    /// Checks the frame; the fields are read one by one.
    init(_ bytes: [UInt8]) throws(SnapshotError) {
        guard bytes.count >= 20 else { throw SnapshotError(description: "the snapshot is cut short") }
        var sum = SnapshotReader(unchecked: bytes[(bytes.count - 8)...])
        guard try sum.integer() == Self.checksum(bytes[..<(bytes.count - 8)]) else {
            throw SnapshotError(description: "the snapshot's checksum is wrong")
        }
        rest = bytes[4..<(bytes.count - 8)]
        let magic = bytes[..<4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard magic == SnapshotWriter.magic, try integer() == SnapshotWriter.version else {
            throw SnapshotError(description: "the snapshot is of another version of Serin")
        }
    }

    private init(unchecked bytes: ArraySlice<UInt8>) { rest = bytes }

    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    mutating func integer() throws(SnapshotError) -> UInt64 {
        guard rest.count >= 8 else { throw SnapshotError(description: "the snapshot is cut short") }
        let value = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        rest = rest.dropFirst(8)
        return value
    }

    mutating func integer(_ range: ClosedRange<UInt64>) throws(SnapshotError) -> UInt64 {
        let value = try integer()
        guard range.contains(value) else {
            throw SnapshotError(description: "a number of the snapshot is out of range")
        }
        return value
    }

    mutating func int(_ range: ClosedRange<Int>) throws(SnapshotError) -> Int {
        let value = Int(Int64(bitPattern: try integer()))
        guard range.contains(value) else {
            throw SnapshotError(description: "a number of the snapshot is out of range")
        }
        return value
    }

    mutating func number() throws(SnapshotError) -> Double {
        let value = Double(bitPattern: try integer())
        guard !value.isNaN else { throw SnapshotError(description: "a number of the snapshot is not one") }
        return value
    }

    mutating func boolean() throws(SnapshotError) -> Bool {
        guard let byte = rest.first, byte < 2 else { throw SnapshotError(description: "the snapshot is damaged") }
        rest = rest.dropFirst()
        return byte == 1
    }

    mutating func text() throws(SnapshotError) -> String {
        let count = Int(try integer(0...Self.textBytesMax))
        guard rest.count >= count, let text = String(validating: rest.prefix(count), as: UTF8.self) else {
            throw SnapshotError(description: "a text of the snapshot is damaged")
        }
        rest = rest.dropFirst(count)
        return text
    }

    mutating func optional<Value>(
        _ body: (inout SnapshotReader) throws(SnapshotError) -> Value
    ) throws(SnapshotError) -> Value? { try boolean() ? try body(&self) : nil }

    /// Nothing may be left over.
    func finish() throws(SnapshotError) {
        guard rest.isEmpty else { throw SnapshotError(description: "the snapshot has more than it should") }
    }
}
