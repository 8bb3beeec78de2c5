// The memory of an image: aligned for cache lines, freed by whoever owns it last.

internal import Glibc

struct ImageMemory: ~Copyable {
    let start: UnsafeMutableRawPointer
    let count: Int

    /// Zeroed, so that the padding between sections is the same in every image of a forest.
    init(count: Int) {
        let rounded = (count + 63) & ~63
        guard let memory = aligned_alloc(64, rounded) else { fatalError("out of memory: \(rounded) bytes") }
        memset(memory, 0, rounded)
        start = memory
        self.count = count
    }

    deinit { free(start) }

    /// Hands the memory over; whoever gets it frees it.
    consuming func release() -> UnsafeMutableRawPointer {
        let start = start
        discard self
        return start
    }
}
