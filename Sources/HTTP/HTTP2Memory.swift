// libnghttp2's allocator hooks, onto the engine's pool.

import CNghttp2
import Primitives

enum HTTP2Memory {
    static func hooks(_ pool: UnsafeMutablePointer<PoolAllocator>) -> nghttp2_mem {
        nghttp2_mem(
            mem_user_data: UnsafeMutableRawPointer(pool),
            malloc: { size, pool in HTTP2Memory.pool(pool).pointee.allocate(size) },
            free: { block, pool in HTTP2Memory.pool(pool).pointee.free(block) },
            calloc: { count, size, pool in HTTP2Memory.zeroed(count, size, pool) },
            realloc: { block, size, pool in HTTP2Memory.pool(pool).pointee.reallocate(block, size) })
    }

    @inline(__always)
    private static func pool(_ pointer: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<PoolAllocator> {
        pointer.unsafelyUnwrapped.assumingMemoryBound(to: PoolAllocator.self)
    }

    private static func zeroed(_ count: Int, _ size: Int, _ pool: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?
    {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow, let block = Self.pool(pool).pointee.allocate(bytes) else { return nil }
        block.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return block
    }
}
