// What the images of forests and of programs share: a seal in front, and sections that lie within.
//
//     [ magic │ version │ header bytes │ image bytes │ … │ checksum of all behind it │ … ]  sections, 64-byte aligned

internal import CKernels

/// The fields of a header that seal an image.
protocol ImageHeader {
    static var ownMagic: UInt64 { get }
    static var ownVersion: UInt32 { get }
    static var checksumOffset: Int { get }

    var magic: UInt64 { get }
    var version: UInt32 { get }
    // swift-format-ignore: AlwaysUseLowerCamelCase
    var header_bytes: UInt32 { get }
    // swift-format-ignore: AlwaysUseLowerCamelCase
    var image_bytes: UInt64 { get }
    var checksum: UInt64 { get }
}

extension ImageHeader {
    /// The checksum of everything behind its own field.
    static func checksum(_ image: UnsafeRawBufferPointer) -> UInt64 {
        let start = checksumOffset + 8
        return serin_checksum(image.baseAddress! + start, image.count - start)
    }

    /// Writes the checksum into a finished image.
    static func seal(_ image: UnsafeMutableRawBufferPointer) {
        image.storeBytes(of: checksum(UnsafeRawBufferPointer(image)), toByteOffset: checksumOffset, as: UInt64.self)
    }
}

extension serin_image_header: ImageHeader {
    static var ownMagic: UInt64 { SERIN_IMAGE_MAGIC }
    static var ownVersion: UInt32 { UInt32(SERIN_IMAGE_VERSION) }
    static var checksumOffset: Int { MemoryLayout<Self>.offset(of: \.checksum)! }
}

extension serin_program_header: ImageHeader {
    static var ownMagic: UInt64 { SERIN_PROGRAM_MAGIC }
    static var ownVersion: UInt32 { UInt32(SERIN_PROGRAM_VERSION) }
    static var checksumOffset: Int { MemoryLayout<Self>.offset(of: \.checksum)! }
}

/// An image under examination: at least as long as its header, and 64-byte aligned.
protocol SealedImage {
    associatedtype Header: ImageHeader
    var image: UnsafeRawBufferPointer { get }
    var head: Header { get }
}

extension SealedImage {
    func require(_ holds: Bool, _ message: @autoclosure () -> String) throws(ImageError) {
        if !holds { throw ImageError("the compiled image is damaged: \(message())") }
    }

    func checkSeal() throws(ImageError) {
        try require(head.magic == Header.ownMagic, "it does not begin as one")
        guard head.version == Header.ownVersion else {
            throw ImageError("the compiled image is of version \(head.version), expected \(Header.ownVersion)")
        }
        try require(head.header_bytes == UInt32(MemoryLayout<Header>.size), "header size")
        try require(head.image_bytes == UInt64(image.count), "it is \(image.count) bytes long, not \(head.image_bytes)")
        try require(head.checksum == Header.checksum(image), "checksum")
    }

    /// A section's elements, once it is known to lie within the image.
    func section<Element>(
        _ section: serin_section, _: Element.Type
    ) throws(ImageError) -> UnsafeBufferPointer<Element> {
        let count = try count(section, MemoryLayout<Element>.stride)
        // SAFETY: in range and aligned, as `count` has checked; the image is plain memory.
        let start = (image.baseAddress! + Int(section.offset)).assumingMemoryBound(to: Element.self)
        return UnsafeBufferPointer(start: start, count: count)
    }

    func count(_ section: serin_section, _ stride: Int) throws(ImageError) -> Int {
        let size = UInt64(image.count)
        try require(section.offset % 64 == 0 && section.offset <= size, "a section's place")
        try require(section.count <= (size - section.offset) / UInt64(stride), "a section's length")
        return Int(section.count)
    }
}
