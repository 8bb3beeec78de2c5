// Bytes that a slab slot owns and reuses for one request after another.
//
//     pointer ──► [ count bytes in use | rest of capacity | 64 bytes of padding ]
//
// It grows by doubling and keeps what it has, so after warm-up a request finds its room and
// allocates nothing.  `trim` gives back what one huge request left behind, so that a slab of
// thousands of slots cannot stay fat.  Large buffers are mappings of their own, which the kernel has back at once: the
// allocator keeps the pages of every size a body has outgrown for seconds (eight bodies of 1 MiB that came in small
// pieces left 10 MiB beside them).  The padding lets vector code (simdjson) read past the end.

public import Glibc

public struct GrowableBuffer: ~Copyable {
    /// Readable (not meaningful) bytes behind the capacity.
    public static let padding = 64

    public private(set) var pointer: UnsafeMutableRawPointer
    public private(set) var capacity: Int
    /// Bytes in use, always ≤ `capacity`.
    public var count = 0

    /// An empty buffer with room for `capacity` bytes; 64-byte aligned.
    public init(capacity: Int = 0) {
        self.capacity = capacity
        pointer = Self.allocate(capacity)
    }

    deinit { Self.deallocate(pointer, capacity) }

    /// From this size on a buffer is a mapping of its own.
    static let mappedBytes = 256 << 10

    /// What `capacity` takes, padding included.
    private static func size(_ capacity: Int) -> Int { (capacity + padding + 63) & ~63 }

    private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer {
        // SAFETY: aligned_alloc wants a multiple of the alignment; memory is written before it is read.
        let bytes = size(capacity)
        let memory =
            bytes < mappedBytes
            ? aligned_alloc(64, bytes)
            : mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else { fatalError("out of memory: \(bytes) bytes") }
        return memory
    }

    private static func deallocate(_ pointer: UnsafeMutableRawPointer, _ capacity: Int) {
        let bytes = size(capacity)
        if bytes < mappedBytes { free(pointer) } else { munmap(pointer, bytes) }
    }

    /// Room for `bytes` in all; what was there stays. Grows to a power of two, padding included.
    @inlinable
    public mutating func reserve(_ bytes: Int) {
        if bytes > capacity { grow(to: bytes) }
    }

    /// Appends `length` bytes.
    @inlinable
    public mutating func append(_ bytes: UnsafeRawPointer, _ length: Int) {
        reserve(count + length)
        memcpy(pointer + count, bytes, length)
        count += length
    }

    @inlinable
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if let base = bytes.baseAddress { append(base, bytes.count) }
    }

    @inlinable
    public mutating func append(byte: UInt8) {
        reserve(count + 1)
        pointer.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Appends the UTF-8 of a literal; no allocation.
    @inlinable
    public mutating func append(_ literal: StaticString) {
        append(literal.utf8Start, literal.utf8CodeUnitCount)
    }

    /// Appends the UTF-8 of a string (may allocate: not for the hot path).
    public mutating func append(string: String) {
        var string = string
        string.withUTF8 { utf8 in append(UnsafeRawBufferPointer(utf8)) }
    }

    /// The bytes in use.
    @inlinable
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: pointer, count: count) }

    /// Empties the buffer, and gives memory above `limit` bytes back.
    @inlinable
    public mutating func reset(keeping limit: Int = 64 << 10) {
        count = 0
        if capacity > limit { release() }
    }

    @usableFromInline
    mutating func release() {
        Self.deallocate(pointer, capacity)
        capacity = 0
        pointer = Self.allocate(0)
    }

    @usableFromInline
    mutating func grow(to bytes: Int) {
        // With its padding a power of two: the allocator's classes leave nothing over.
        var size = 256
        while size - Self.padding < bytes { size <<= 1 }
        let memory = Self.allocate(size - Self.padding)
        memcpy(memory, pointer, count)
        Self.deallocate(pointer, capacity)
        pointer = memory
        capacity = size - Self.padding
    }
}
