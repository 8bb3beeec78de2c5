import Testing

@testable import Primitives

@Suite struct PoolAllocatorTests {
    @Test func blocksAreReusedKeptApartAndGrownWithTheirBytes() {
        var pool = PoolAllocator()
        var random = SystemRandomNumberGenerator()
        var live: [(UnsafeMutableRawPointer, Int, UInt8)] = []
        for round in 0..<2_000 {
            let size = Int.random(in: 0...(round % 50 == 0 ? 100_000 : 3_000), using: &random)
            let mark = UInt8(truncatingIfNeeded: round)
            let block = pool.allocate(size)!
            #expect(Int(bitPattern: block) & 15 == 0)
            block.initializeMemory(as: UInt8.self, repeating: mark, count: size)
            live.append((block, size, mark))
            if live.count > 64 {
                var (old, oldSize, oldMark) = live.remove(at: Int.random(in: 0..<live.count, using: &random))
                if round % 3 == 0 {
                    old = pool.reallocate(old, oldSize * 2 + 1)!
                }
                let intact = (0..<oldSize).allSatisfy { old.load(fromByteOffset: $0, as: UInt8.self) == oldMark }
                #expect(intact)
                pool.free(old)
                oldSize = 0
                oldMark = 0
            }
        }
        for (block, _, _) in live { pool.free(block) }
    }

    @Test func aFreedBlockIsTheNextOneOfItsSize() {
        var pool = PoolAllocator()
        let first = pool.allocate(100)
        pool.free(first)
        #expect(pool.allocate(90) == first)
    }
}

@Suite struct SlabTests {
    @Test func elementsKeepTheirAddressAndState() {
        var slab = Slab<Int> { $0.initialize(to: 7) }
        var taken: [UnsafeMutablePointer<Int>] = []
        for index in 0..<200 {
            let element = slab.take()
            #expect(element.pointee == 7)
            element.pointee = index
            taken.append(element)
        }
        #expect(Set(taken).count == 200 && slab.inUse == 200)
        for (index, element) in taken.enumerated() { #expect(element.pointee == index) }
        for element in taken { slab.give(element) }
        #expect(slab.inUse == 0)
        #expect(slab.take() == taken.last)
    }
}

@Suite struct GrowableBufferTests {
    @Test func growsKeepsAndGivesBack() {
        var buffer = GrowableBuffer()
        for byte in 0..<1000 { buffer.append(byte: UInt8(truncatingIfNeeded: byte)) }
        #expect(buffer.count == 1000 && buffer.capacity >= 1000)
        #expect(buffer.bytes.enumerated().allSatisfy { $0.element == UInt8(truncatingIfNeeded: $0.offset) })
        buffer.reset(keeping: 4096)
        #expect(buffer.count == 0 && buffer.capacity >= 1000)
        buffer.reserve(1 << 20)
        buffer.reset()
        #expect(buffer.capacity == 0)
    }

    /// From 256 KiB on it is a mapping of its own: what was there stays on the way there and beyond.
    @Test func keepsItsBytesAcrossTheSizesOfMappings() {
        var buffer = GrowableBuffer()
        for step in 1...64 {
            let piece = [UInt8](repeating: UInt8(step), count: 20_000)
            piece.withUnsafeBytes { buffer.append($0) }
        }
        #expect(buffer.count == 64 * 20_000)
        #expect(buffer.bytes.enumerated().allSatisfy { Int($0.element) == $0.offset / 20_000 + 1 })
        #expect(buffer.pointer.load(fromByteOffset: buffer.capacity + GrowableBuffer.padding - 1, as: UInt8.self) >= 0)
        buffer.reset()
        #expect(buffer.capacity == 0)
        buffer.append("again")
        #expect(buffer.bytes.elementsEqual("again".utf8))
    }
}
