// Bodies packed by zlib itself, for the tests of inflating.

import CZlib

enum Packing: String, CaseIterable, Sendable {
    case gzip, deflate

    private var windowBits: Int32 { self == .gzip ? 31 : 15 }

    func pack(_ bytes: [UInt8], level: Int32 = 9) -> [UInt8] {
        var state = z_stream()
        deflateInit2_(
            &state, level, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&state) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: Int(deflateBound(&state, UInt(bytes.count))))
        let count = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                state.next_in = input.baseAddress
                state.avail_in = UInt32(input.count)
                state.next_out = output.baseAddress
                state.avail_out = UInt32(output.count)
                precondition(CZlib.deflate(&state, Z_FINISH) == Z_STREAM_END)
                return output.count - Int(state.avail_out)
            }
        }
        return Array(output[..<count])
    }
}
