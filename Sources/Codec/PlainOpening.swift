// How the last plain body began: everything up to its first number, and what that said.
//
//     {"inputs":[{"name":"features","shape":[1,32],"datatype":"FP32","data":[ 285.1,23.3,…
//     ├────────────────────────────── bytes ──────────────────────────────────┤
//
// One comparison of some 70 bytes stands for the reading of four keys and three values.

internal import Glibc
internal import Inference

struct PlainOpening: ~Copyable {
    /// Longer openings are read every time.
    private static let bytesMax = 256

    private let bytes = UnsafeMutableRawPointer.allocate(byteCount: bytesMax, alignment: 64)
    private(set) var count = 0
    private(set) var rows = 0
    private(set) var type = ValueType.float32
    /// The codec that it was read for: another version's may have other limits.
    private var codec: UInt64 = 0

    init() {}

    deinit { bytes.deallocate() }

    @inline(__always)
    func matches(_ body: UnsafePointer<UInt8>, count bodyCount: Int, _ codec: ModelCodec) -> Bool {
        count > 0 && count < bodyCount && self.codec == codec.serial && memcmp(body, bytes, count) == 0
    }

    @inline(__always)
    mutating func note(
        _ body: UnsafePointer<UInt8>, upTo numbers: UnsafePointer<UInt8>, _ codec: ModelCodec, rows: Int,
        type: ValueType?
    ) {
        guard let type, numbers - body <= Self.bytesMax else { return }
        count = numbers - body
        memcpy(bytes, body, count)
        self.codec = codec.serial
        (self.rows, self.type) = (rows, type)
    }
}
