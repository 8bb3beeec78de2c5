// A bounded ring of records of any size from one thread to another: what does not fit is dropped, never waited for.
//
//     writer ──► [ length | record … | length | record … | skip … ]──► reader       full: the writer is told, and counts
//                  head (reader) ▲                  ▲ tail (writer)
//
// As RecordRing, for records whose size is known only when they are written. A record lies in one piece: where the
// rest of the ring is too short for it, the rest is skipped. The memory is mapped, so what was never used costs nothing.

internal import Glibc
internal import Synchronization

// SAFETY: `tail` is written by the writer only, `head` by the reader only, each with a release after the bytes behind it
// are done with, and loaded with an acquire by the other. Bytes are the writer's from tail to head + capacity, the
// reader's from head to tail. Both counters lie on lines of their own.
public final class ByteRing: @unchecked Sendable {
    private static let lineBytes = 128
    /// In a length's place: the rest of the ring is not used.
    private static let skip = Int.max

    public let capacity: Int
    private let bytes: UnsafeMutableRawPointer
    private let mapped: Int
    private let head: UnsafeMutablePointer<Atomic<Int>>
    private let tail: UnsafeMutablePointer<Atomic<Int>>
    /// The writer's last look at `head`; where its record begins and ends.
    private var seenHead = 0
    private var pending = (start: 0, end: 0)

    /// `capacity`: bytes, a power of two, at least a page.
    public init(capacity: Int) {
        precondition(capacity >= 4096 && capacity & (capacity - 1) == 0)
        self.capacity = capacity
        mapped = capacity + 2 * Self.lineBytes
        let memory = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else { fatalError("out of memory: \(mapped) bytes") }
        head = memory.bindMemory(to: Atomic<Int>.self, capacity: 1)
        tail = (memory + Self.lineBytes).bindMemory(to: Atomic<Int>.self, capacity: 1)
        head.initialize(to: Atomic(0))
        tail.initialize(to: Atomic(0))
        bytes = memory + 2 * Self.lineBytes
    }

    deinit { munmap(UnsafeMutableRawPointer(head), mapped) }

    private func place(_ offset: Int) -> UnsafeMutableRawPointer { bytes + (offset & (capacity - 1)) }

    // MARK: The writer

    /// Where a record of so many bytes goes, 8-byte aligned; nil: there is no room. `publish` hands it over.
    public func reserve(_ count: Int) -> UnsafeMutableRawPointer? {
        let size = 8 + (count + 7) & ~7
        let start = tail.pointee.load(ordering: .relaxed)
        let rest = capacity - start & (capacity - 1)
        let needed = rest < size ? rest + size : size
        if start + needed - seenHead > capacity {
            seenHead = head.pointee.load(ordering: .acquiring)
            if start + needed - seenHead > capacity { return nil }
        }
        var at = start
        if rest < size {
            place(at).storeBytes(of: Self.skip, as: Int.self)
            at += rest
        }
        place(at).storeBytes(of: size, as: Int.self)
        pending = (at, at + size)
        return place(at) + 8
    }

    /// The reserved record is whole.
    public func publish() { tail.pointee.store(pending.end, ordering: .releasing) }

    // MARK: The reader

    /// The oldest record; nil: there is none.
    public func first() -> UnsafeRawPointer? {
        var at = head.pointee.load(ordering: .relaxed)
        guard at != tail.pointee.load(ordering: .acquiring) else { return nil }
        if place(at).load(as: Int.self) == Self.skip {
            at += capacity - at & (capacity - 1)
            head.pointee.store(at, ordering: .releasing)
        }
        return UnsafeRawPointer(place(at) + 8)
    }

    /// The oldest record has been read.
    public func release() {
        let at = head.pointee.load(ordering: .relaxed)
        head.pointee.store(at + place(at).load(as: Int.self), ordering: .releasing)
    }
}
