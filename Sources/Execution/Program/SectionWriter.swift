// Lays sections one behind the other, each at a multiple of 64 bytes, behind a header of any kind.

internal import CKernels
internal import ModelFormat

struct SectionWriter {
    /// Bytes given out so far, the header's first.
    private(set) var size: Int
    private var sections: [(offset: Int, bytes: [UInt8])] = []

    init(headerBytes: Int) { size = Self.rounded(headerBytes) }

    private static func rounded(_ count: Int) -> Int { (count + 63) & ~63 }

    /// Adds a section of plain values.
    mutating func add<Element: BitwiseCopyable>(_ elements: [Element]) throws(ImageError) -> serin_section {
        let bytes = elements.withUnsafeBytes { [UInt8]($0) }
        guard bytes.count <= ImageWriter.byteLimit - size else {
            throw ImageError("the compiled model is larger than \(ImageWriter.byteLimit) bytes")
        }
        let section = serin_section(offset: UInt64(size), count: UInt64(elements.count))
        sections.append((size, bytes))
        size += Self.rounded(bytes.count)
        return section
    }

    /// Adds numbers in the width given.
    mutating func add(numbers: [Double], _ width: NumberWidth) throws(ImageError) -> serin_section {
        width == .float32 ? try add(numbers.map { Float($0) }) : try add(numbers)
    }

    /// The header and all sections, in memory of its own.
    consuming func image<Header: BitwiseCopyable>(_ header: Header) -> ImageMemory {
        let memory = ImageMemory(count: size)
        memory.start.storeBytes(of: header, as: Header.self)
        for (offset, bytes) in sections {
            bytes.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(start: memory.start + offset, count: bytes.count).copyMemory(from: $0)
            }
        }
        return memory
    }
}
