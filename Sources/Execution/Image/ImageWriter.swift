// Lays sections one behind the other, each at a multiple of 64 bytes, and seals the image.

internal import CKernels
internal import Glibc

struct ImageWriter {
    /// Bytes given out so far, the header's first.
    private var size: Int
    private var sections: [(offset: Int, bytes: [UInt8])] = []

    /// Images larger than this are refused: they would not fit beside other models, nor into caches.
    static let byteLimit = 1 << 30

    init() { size = Self.rounded(MemoryLayout<serin_image_header>.size) }

    private static func rounded(_ count: Int) -> Int { (count + 63) & ~63 }

    /// Adds a section of plain values.
    mutating func add<Element: BitwiseCopyable>(_ elements: [Element]) throws(ImageError) -> serin_section {
        try add(bytes: elements.withUnsafeBytes { [UInt8]($0) }, unit: MemoryLayout<Element>.stride)
    }

    /// Adds a section of plain bytes, counted in units.
    mutating func add(bytes: [UInt8], unit: Int) throws(ImageError) -> serin_section {
        guard bytes.count <= Self.byteLimit - size else {
            throw ImageError("the compiled model is larger than \(Self.byteLimit) bytes")
        }
        let section = serin_section(offset: UInt64(size), count: UInt64(bytes.count / unit))
        sections.append((size, bytes))
        size += Self.rounded(bytes.count)
        return section
    }

    /// Adds numbers in the width given.
    mutating func add(numbers: [Double], width: UInt32) throws(ImageError) -> serin_section {
        width == UInt32(SERIN_FLOAT32) ? try add(numbers.map { Float($0) }) : try add(numbers)
    }

    /// Adds keys: 32 bits for float32 values, 64 for float64.
    mutating func add(keys: [UInt64], width: UInt32) throws(ImageError) -> serin_section {
        width == UInt32(SERIN_FLOAT32) ? try add(keys.map { UInt32(truncatingIfNeeded: $0) }) : try add(keys)
    }

    /// The image: header, sections and checksum.
    consuming func seal(_ header: serin_image_header) -> ImageMemory {
        var header = header
        header.magic = SERIN_IMAGE_MAGIC
        header.version = UInt32(SERIN_IMAGE_VERSION)
        header.header_bytes = UInt32(MemoryLayout<serin_image_header>.size)
        header.image_bytes = UInt64(size)
        let memory = ImageMemory(count: size)
        memory.start.storeBytes(of: header, as: serin_image_header.self)
        for (offset, bytes) in sections {
            bytes.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(start: memory.start + offset, count: bytes.count).copyMemory(from: $0)
            }
        }
        serin_image_header.seal(UnsafeMutableRawBufferPointer(start: memory.start, count: size))
        return memory
    }
}
