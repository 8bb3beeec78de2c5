// A bounded ring of fixed-size records from one thread to another: what does not fit is dropped, never waited for.
//
//     writer ──► [ record | record | …  capacity ] ──► reader        full: the writer is told, and counts
//                  head (reader) ▲        ▲ tail (writer)
//
// One writer, one reader. A record is plain bytes: the writer fills the place it is given and publishes it; the reader
// sees places in order and gives them back. Neither takes a lock, allocates or calls the kernel.

import Synchronization

// SAFETY: `tail` is written by the writer only, `head` by the reader only, each with a release after the bytes behind it
// are done with, and loaded with an acquire by the other. A place is the writer's from head + capacity on, the reader's
// from its publication to `release`. Both lie on lines of their own, so that neither slows the other.
public final class RecordRing: @unchecked Sendable {
    private static let lineBytes = 128

    public let recordBytes: Int
    private let mask: Int
    private let storage: UnsafeMutableRawPointer
    private let head: UnsafeMutablePointer<Atomic<Int>>
    private let tail: UnsafeMutablePointer<Atomic<Int>>
    /// The writer's last look at `head`.
    private var seenHead = 0

    /// `capacity`: records, a power of two.
    public init(capacity: Int, recordBytes: Int) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0 && recordBytes % 16 == 0)
        self.recordBytes = recordBytes
        mask = capacity - 1
        storage = .allocate(byteCount: 2 * Self.lineBytes + capacity * recordBytes, alignment: Self.lineBytes)
        head = storage.bindMemory(to: Atomic<Int>.self, capacity: 1)
        tail = (storage + Self.lineBytes).bindMemory(to: Atomic<Int>.self, capacity: 1)
        head.initialize(to: Atomic(0))
        tail.initialize(to: Atomic(0))
    }

    deinit { storage.deallocate() }

    private func place(_ index: Int) -> UnsafeMutableRawPointer {
        storage + 2 * Self.lineBytes + (index & mask) * recordBytes
    }

    // MARK: The writer

    /// Where the next record goes; nil: the ring is full.
    public func next() -> UnsafeMutableRawPointer? {
        let index = tail.pointee.load(ordering: .relaxed)
        if index - seenHead > mask {
            seenHead = head.pointee.load(ordering: .acquiring)
            if index - seenHead > mask { return nil }
        }
        return place(index)
    }

    /// The record at `next` is whole.
    public func publish() {
        tail.pointee.store(tail.pointee.load(ordering: .relaxed) + 1, ordering: .releasing)
    }

    // MARK: The reader

    /// The oldest record; nil: there is none.
    public func first() -> UnsafeRawPointer? {
        let index = head.pointee.load(ordering: .relaxed)
        return index == tail.pointee.load(ordering: .acquiring) ? nil : UnsafeRawPointer(place(index))
    }

    /// The oldest record has been read.
    public func release() {
        head.pointee.store(head.pointee.load(ordering: .relaxed) + 1, ordering: .releasing)
    }
}
