// malloc for one thread: power-of-two size classes over chunks, with no lock.
//
//     [ header: class | payload … ]      free lists: 32 64 128 256 … 64Ki
//
// libnghttp2 allocates and frees some ten small objects a request. Behind its `nghttp2_mem` hooks
// this pool serves them from lists of the owning reactor, so that the path neither locks nor
// enters the process allocator. Blocks above 64 KiB go to malloc. Freed blocks stay in their list
// until the pool dies with its reactor; the most that was in use at once bounds the memory.

public import Glibc

public struct PoolAllocator: ~Copyable {
    @usableFromInline static let headerBytes = 16
    @usableFromInline static let smallestShift = 5
    @usableFromInline static let classCount = 12
    @usableFromInline static let large = UInt64.max
    @usableFromInline static let chunkBytes = 256 << 10

    @usableFromInline var lists: InlineArray<12, UnsafeMutableRawPointer?> = .init(repeating: nil)
    @usableFromInline var cursor: UnsafeMutableRawPointer?
    @usableFromInline var remaining = 0
    @usableFromInline var chunks: [UnsafeMutableRawPointer] = []

    public init() {}

    deinit { for chunk in chunks { Glibc.free(chunk) } }

    /// The smallest class whose payload holds `bytes`; `classCount` or more: too large for the pool.
    @inlinable
    static func sizeClass(_ bytes: Int) -> Int {
        let needed = max(bytes + headerBytes, 1 << smallestShift)
        return (Int.bitWidth - (needed - 1).leadingZeroBitCount) - smallestShift
    }

    /// `bytes` of memory aligned to 16; nil when the system has none.
    @inlinable @inline(__always)
    public mutating func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
        let index = Self.sizeClass(bytes)
        guard index < Self.classCount else { return Self.allocateLarge(bytes) }
        if let block = lists[index] {
            lists[index] = block.load(fromByteOffset: Self.headerBytes, as: UnsafeMutableRawPointer?.self)
            return block + Self.headerBytes
        }
        guard let block = carve(1 << (index + Self.smallestShift)) else { return nil }
        block.storeBytes(of: UInt64(index), as: UInt64.self)
        return block + Self.headerBytes
    }

    @inlinable @inline(__always)
    public mutating func free(_ payload: UnsafeMutableRawPointer?) {
        guard let payload else { return }
        let block = payload - Self.headerBytes
        let index = block.load(as: UInt64.self)
        if index == Self.large { return Glibc.free(block) }
        payload.storeBytes(of: lists[Int(index)], as: UnsafeMutableRawPointer?.self)
        lists[Int(index)] = block
    }

    /// As realloc(3): what was there is kept; nil leaves the old block valid.
    public mutating func reallocate(_ payload: UnsafeMutableRawPointer?, _ bytes: Int) -> UnsafeMutableRawPointer? {
        guard let payload else { return allocate(bytes) }
        let index = (payload - Self.headerBytes).load(as: UInt64.self)
        let usable: Int
        if index == Self.large {
            usable = (payload - 8).load(as: Int.self)
        } else {
            usable = (1 << (Int(index) + Self.smallestShift)) - Self.headerBytes
        }
        if bytes <= usable { return payload }
        guard let larger = allocate(bytes) else { return nil }
        memcpy(larger, payload, usable)
        free(payload)
        return larger
    }

    /// A block of its own from malloc: [ large | payload bytes | payload ].
    @usableFromInline
    static func allocateLarge(_ bytes: Int) -> UnsafeMutableRawPointer? {
        guard let block = malloc(bytes + headerBytes) else { return nil }
        block.storeBytes(of: large, as: UInt64.self)
        block.storeBytes(of: bytes, toByteOffset: 8, as: Int.self)
        return block + headerBytes
    }

    @usableFromInline
    mutating func carve(_ bytes: Int) -> UnsafeMutableRawPointer? {
        if remaining < bytes {
            guard let chunk = malloc(Self.chunkBytes) else { return nil }
            chunks.append(chunk)
            cursor = chunk
            remaining = Self.chunkBytes
        }
        defer {
            cursor = cursor.map { $0 + bytes }
            remaining -= bytes
        }
        return cursor
    }
}
