// zlib's deflate for answers, with its two states kept: gzip's and zlib's.
//
// Level 1: an answer waits for nobody. It packs scores to about half, 100 KiB in 0.8 ms, so the engine packs
// only what is long enough to be worth it and short enough not to hold the others up.

import CZlib
import Primitives

struct Deflater: ~Copyable {
    private static let level: Int32 = 1
    private static let memoryLevel: Int32 = 8

    // zlib's states point back at these: they have addresses of their own.
    private let gzip = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let zlib = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var hasGzip = false
    private var hasZlib = false
    /// What was packed last.
    var output = GrowableBuffer()

    init() {
        gzip.initialize(to: z_stream())
        zlib.initialize(to: z_stream())
    }

    deinit {
        if hasGzip { deflateEnd(gzip) }
        if hasZlib { deflateEnd(zlib) }
        gzip.deallocate()
        zlib.deallocate()
    }

    /// Packs the bytes into `output`; false: there is no memory, or they would not be fewer.
    mutating func pack(_ bytes: UnsafeRawBufferPointer, _ coding: ContentCoding) -> Bool {
        guard let state = state(coding) else { return false }
        output.reset()
        output.reserve(bytes.count)
        state.pointee.next_in = UnsafeMutablePointer(
            mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        state.pointee.avail_in = UInt32(bytes.count)
        state.pointee.next_out = output.pointer.assumingMemoryBound(to: UInt8.self)
        state.pointee.avail_out = UInt32(bytes.count)
        guard deflate(state, Z_FINISH) == Z_STREAM_END else { return false }
        output.count = bytes.count - Int(state.pointee.avail_out)
        return true
    }

    /// The state of a format, ready for a new body; nil: there is no memory.
    private mutating func state(_ coding: ContentCoding) -> UnsafeMutablePointer<z_stream>? {
        switch coding {
        case .identity: return nil
        case .gzip: return Self.prepare(gzip, &hasGzip, windowBits: 31) ? gzip : nil
        case .deflate: return Self.prepare(zlib, &hasZlib, windowBits: 15) ? zlib : nil
        }
    }

    private static func prepare(
        _ state: UnsafeMutablePointer<z_stream>, _ isMade: inout Bool, windowBits: Int32
    ) -> Bool {
        if isMade { return deflateReset(state) == Z_OK }
        isMade =
            deflateInit2_(
                state, level, Z_DEFLATED, windowBits, memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        return isMade
    }
}
