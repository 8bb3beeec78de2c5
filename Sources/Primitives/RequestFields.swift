// The header fields that routes ask for: which names, and a request's values of them.
//
//     FieldNames   [ "serin-key" | "x-country" | … 16 ]      number = place; only ever added to
//     FieldValues  bytes [ k-17 | DE ]  spans [ 0: 0+4 | 1: 4+2 ]      a request's, by number
//
// The data plane keeps no field that nobody asked for. Numbers never change their meaning while the process runs, so a
// request that came under an older route still finds its values under a newer one.

internal import Glibc
public import Synchronization

/// The names, shared by all reactors.
// SAFETY: a name is written before `count` and `lengths` say that it is there (release), by one thread at a time
// under `adding`; readers acquire `lengths` or `count` first. Nothing is freed before the last reactor is gone.
public final class FieldNames: @unchecked Sendable {
    /// Names that one process ever takes.
    public static let limit = 16
    /// A name's longest length: its length is a bit of one word.
    public static let lengthMax = 63

    private let names: UnsafeMutablePointer<UnsafeRawBufferPointer>
    private let count = Atomic<Int>(0)
    /// Bit n: a name of n bytes is asked for.
    @usableFromInline let lengths = Atomic<UInt64>(0)
    private let adding = Mutex(())

    public init() {
        names = .allocate(capacity: Self.limit)
    }

    deinit {
        for index in 0..<count.load(ordering: .acquiring) { names[index].deallocate() }
        names.deallocate()
    }

    /// The number of a name in lower case; nil: there is no room for one more, or it is too long or empty.
    public func number(of name: String) -> Int? {
        adding.withLock { _ in
            let known = count.load(ordering: .relaxed)
            let bytes = Array(name.utf8)
            for index in 0..<known where names[index].elementsEqual(bytes) { return index }
            guard known < Self.limit, 1...Self.lengthMax ~= bytes.count else { return nil }
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            copy.copyBytes(from: bytes)
            (names + known).initialize(to: UnsafeRawBufferPointer(copy))
            count.store(known + 1, ordering: .releasing)
            lengths.bitwiseOr(1 << UInt64(bytes.count), ordering: .releasing)
            return known
        }
    }

    /// A name of this length may be asked for: one load, for every field that the gateway does not take for itself.
    @inlinable
    public func mayAsk(length: Int) -> Bool {
        length <= Self.lengthMax && lengths.load(ordering: .acquiring) & (1 << UInt64(length)) != 0
    }

    /// The number of a field's name, which is in lower case; -1: nobody asks for it.
    public func find(_ name: UnsafeRawPointer, _ length: Int) -> Int {
        for index in 0..<count.load(ordering: .acquiring) where names[index].count == length {
            if memcmp(names[index].baseAddress.unsafelyUnwrapped, name, length) == 0 { return index }
        }
        return -1
    }
}

/// One request's values; warm, it allocates nothing.
public struct FieldValues: ~Copyable {
    private struct Place {
        var start: Int32 = 0
        var count: Int32 = 0
    }

    private var bytes = GrowableBuffer()
    private var places: InlineArray<16, Place> = .init(repeating: Place())
    /// Bit n: the field with this number came.
    private var present: UInt16 = 0

    public init() {}

    /// The first value of a name counts.
    public mutating func set(_ number: Int, _ value: UnsafeRawBufferPointer) {
        guard present & (1 << UInt16(number)) == 0 else { return }
        places[number] = Place(start: Int32(bytes.count), count: Int32(value.count))
        bytes.append(value)
        present |= 1 << UInt16(number)
    }

    /// nil: the field did not come. Valid until the next change.
    public func value(_ number: Int) -> UnsafeRawBufferPointer? {
        guard present & (1 << UInt16(number)) != 0 else { return nil }
        let place = places[number]
        return UnsafeRawBufferPointer(start: bytes.pointer + Int(place.start), count: Int(place.count))
    }

    public mutating func reset() {
        guard present != 0 else { return }
        present = 0
        bytes.reset()
    }
}
