// A pool of long-lived elements at fixed addresses.
//
//     chunk 0: [e e e … 64]   chunk 1: [e e e … 64]      free: [ptr ptr ptr ↑]
//
// Elements are made once and stay initialised while they are free, so the buffers inside them are
// warm when they are taken again. The last one given back is the first one taken: it is in cache.
// One thread owns a slab. Addresses never move, so C libraries may keep them.

public struct Slab<Element: ~Copyable>: ~Copyable {
    public typealias Pointer = UnsafeMutablePointer<Element>

    @usableFromInline static var chunkSize: Int { 64 }

    @usableFromInline var free: UnsafeMutablePointer<Pointer>
    @usableFromInline var freeCount = 0
    @usableFromInline var chunks: [Pointer] = []
    @usableFromInline let make: (Pointer) -> Void

    /// Elements that are taken now.
    public var inUse: Int { chunks.count * Self.chunkSize - freeCount }

    /// `make` initialises the element at a fresh address.
    public init(_ make: @escaping (Pointer) -> Void) {
        self.make = make
        free = .allocate(capacity: 1)
    }

    deinit {
        for chunk in chunks {
            chunk.deinitialize(count: Self.chunkSize)
            chunk.deallocate()
        }
        free.deallocate()
    }

    @inlinable
    public mutating func take() -> Pointer {
        if freeCount == 0 { grow() }
        freeCount -= 1
        return free[freeCount]
    }

    @inlinable
    public mutating func give(_ element: Pointer) {
        free[freeCount] = element
        freeCount += 1
    }

    @usableFromInline
    mutating func grow() {
        let chunk = Pointer.allocate(capacity: Self.chunkSize)
        for index in 0..<Self.chunkSize { make(chunk + index) }
        chunks.append(chunk)
        let larger = UnsafeMutablePointer<Pointer>.allocate(capacity: chunks.count * Self.chunkSize)
        for index in 0..<Self.chunkSize { (larger + index).initialize(to: chunk + (Self.chunkSize - 1 - index)) }
        free.deallocate()
        free = larger
        freeCount = Self.chunkSize
    }
}
