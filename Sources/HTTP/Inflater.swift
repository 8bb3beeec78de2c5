// zlib's inflate, a step at a time: one state a reactor, made when first needed and used for one body after another.
//
//     begin(packed) ─► advance ─► more … advance ─► done(bytes in `output`) or a fault
//
// A packed body can ask for a thousand times its own work, and not only by its output: 80 bytes of
// input can hold a block whose code tables take 3 µs to build. So an input byte is charged as eight output
// bytes, a call does at most `stepBytes` of either, and `advance` stops when its budget is used up. How far a
// body may inflate is bounded twice: in bytes, and as a multiple of the packed body beyond `ratioFreeBytes`.

import CZlib
import Primitives

struct Inflater: ~Copyable {
    enum Step {
        /// The budget is used up.
        case more
        case done
        case fault(HTTPFault)
    }

    /// Output that a body may have whatever the ratio: about 0.1 ms of work.
    static let ratioFreeBytes = 64 << 10
    /// What an input byte costs, in output bytes.
    static let inputCost = 8
    private static let stepBytes = 16 << 10
    private static let inputStepBytes = 2 << 10
    private static let windowBits: Int32 = 15
    private static let gzipBit: Int32 = 16

    // zlib's state points back at it: it has an address of its own.
    private let state = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var hasState = false
    private var coding = ContentCoding.identity
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    private var taken = 0
    /// What has been inflated.
    var output = GrowableBuffer()

    init() { state.initialize(to: z_stream()) }

    deinit {
        if hasState { inflateEnd(state) }
        state.deallocate()
    }

    /// Starts on a body, which must stay where it is; false: there is no memory.
    mutating func begin(_ packed: UnsafeRawBufferPointer, _ coding: ContentCoding) -> Bool {
        let bits = coding == .gzip ? Self.windowBits | Self.gzipBit : Self.windowBits
        if hasState {
            guard inflateReset2(state, bits) == Z_OK else { return false }
        } else {
            let size = Int32(MemoryLayout<z_stream>.size)
            guard inflateInit2_(state, bits, ZLIB_VERSION, size) == Z_OK else { return false }
            hasState = true
        }
        self.coding = coding
        input = packed
        taken = 0
        output.reset()
        return true
    }

    /// Goes on until the body is inflated, or `budget` (output bytes) is used up.
    mutating func advance(_ budget: inout Int, _ limits: HTTPLimits) -> Step {
        let ratioBytes = max(Self.ratioFreeBytes, input.count.multipliedReportingOverflow(by: limits.inflateRatio).0)
        let limit = min(limits.inflatedBytes, ratioBytes)
        while budget > 0 {
            let (code, took, wrote) = inflateStep(limit)
            budget -= wrote + took * Self.inputCost + Self.inputCost
            if output.count > limit { return .fault(Self.tooLarge(limits, isRatio: limit < limits.inflatedBytes)) }
            switch code {
            case Z_STREAM_END:
                if taken == input.count { return .done }
                // gzip's members follow each other (RFC 1952, 2.2); nothing follows zlib's stream.
                guard coding == .gzip, inflateReset(state) == Z_OK else { return .fault(malformed()) }
            case Z_OK where took > 0 || wrote > 0: break
            default: return .fault(malformed())
            }
        }
        return .more
    }

    /// One call of zlib, with bounded input and output.
    private mutating func inflateStep(_ limit: Int) -> (code: Int32, took: Int, wrote: Int) {
        let given = min(input.count - taken, Self.inputStepBytes)
        let room = min(limit + 1 - output.count, Self.stepBytes, max(1024, given * Self.inputCost))
        output.reserve(output.count + room)
        state.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress.map { ($0 + taken).assumingMemoryBound(to: UInt8.self) })
        state.pointee.avail_in = UInt32(given)
        state.pointee.next_out = (output.pointer + output.count).assumingMemoryBound(to: UInt8.self)
        state.pointee.avail_out = UInt32(room)
        let code = inflate(state, Z_NO_FLUSH)
        let (took, wrote) = (given - Int(state.pointee.avail_in), room - Int(state.pointee.avail_out))
        taken += took
        output.count += wrote
        return (code, took, wrote)
    }

    // MARK: Faults

    private func malformed() -> HTTPFault {
        HTTPFault(400, "content-encoding: the body is not \(coding.name), or not all of it, at byte \(taken)")
    }

    private static func tooLarge(_ limits: HTTPLimits, isRatio: Bool) -> HTTPFault {
        isRatio
            ? HTTPFault(413, "the body inflates to more than \(limits.inflateRatio) times its size")
            : HTTPFault(413, "the body inflates to more than \(limits.inflatedBytes) bytes")
    }
}
