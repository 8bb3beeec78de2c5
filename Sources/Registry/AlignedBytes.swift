// Zeroed bytes at a multiple of 64, as kernels want them.

internal import Inference

struct AlignedBytes: ~Copyable {
    /// Readable behind `count`, for code that reads whole vectors.
    static let padding = 64

    let pointer: UnsafeMutableRawPointer
    let count: Int

    init(count: Int) {
        self.count = count
        pointer = .allocate(byteCount: count + Self.padding, alignment: 64)
        pointer.initializeMemory(as: UInt8.self, repeating: 0, count: count + Self.padding)
    }

    deinit { pointer.deallocate() }

    var buffer: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: pointer, count: count) }

    /// Writes element `index` of an array of `type`.
    borrowing func store(_ value: Double, at index: Int, as type: ValueType) {
        // SAFETY: the caller sized the bytes for its indices.
        switch type {
        case .float32: pointer.storeBytes(of: Float(value), toByteOffset: index * 4, as: Float.self)
        case .float64: pointer.storeBytes(of: value, toByteOffset: index * 8, as: Double.self)
        }
    }
}
