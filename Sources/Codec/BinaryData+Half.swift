// Floats of 16 bits, which every float32 holds exactly.
//
//     FP16  sign 1 | exponent 5 | fraction 10     the exponent's field widened: too small by 2^112
//     BF16  sign 1 | exponent 8 | fraction 7      the upper half of a float32
//
// Two shifts and a product, no branch: the compiler makes vectors of them. (Source of the product by a power of
// two: Fabian Giesen, "float->half variants", 2012.)

internal import Inference

extension BinaryData {
    @inline(__always)
    static func float(half bits: UInt16) -> Float {
        let magnitude = UInt32(bits & 0x7fff)
        // Exact for subnormal halves too, as the product is normal.
        let number = Float(bitPattern: magnitude << 13) * 0x1p112
        // Infinity and NaN have the widest exponent.
        let special: UInt32 = magnitude >= 0x7c00 ? 0x7f80_0000 : 0
        return Float(bitPattern: number.bitPattern | special | UInt32(bits & 0x8000) << 16)
    }

    @inline(__always)
    static func float(brain bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

    static func copyHalves(_ source: UnsafeRawPointer, _ count: Int, _ values: UnsafeMutableRawPointer) {
        let floats = values.assumingMemoryBound(to: Float.self)
        for index in 0..<count {
            let bits = source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
            floats[index] = float(half: UInt16(littleEndian: bits))
        }
    }

    static func copyBrains(_ source: UnsafeRawPointer, _ count: Int, _ values: UnsafeMutableRawPointer) {
        let floats = values.assumingMemoryBound(to: Float.self)
        for index in 0..<count {
            let bits = source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
            floats[index] = float(brain: UInt16(littleEndian: bits))
        }
    }
}
