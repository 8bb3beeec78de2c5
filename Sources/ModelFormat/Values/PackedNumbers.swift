// A typed array of UBJSON, big-endian, decoded where it lies.

struct PackedNumbers {
    /// The raw value is UBJSON's marker.
    enum Element: UInt8 {
        case int8 = 0x69  // i
        case uint8 = 0x55  // U
        case int16 = 0x49  // I
        case int32 = 0x6C  // l
        case int64 = 0x4C  // L
        case float32 = 0x64  // d
        case float64 = 0x44  // D

        var byteCount: Int {
            switch self {
            case .int8, .uint8: 1
            case .int16: 2
            case .int32, .float32: 4
            case .int64, .float64: 8
            }
        }

        var isInteger: Bool { self != .float32 && self != .float64 }
    }

    let element: Element
    /// The whole file.
    let file: [UInt8]
    /// The array's bytes in it: a multiple of the element's, checked by the reader.
    let range: Range<Int>

    var count: Int { range.count / element.byteCount }

    private func bits(_ index: Int) -> UInt64 {
        var bits: UInt64 = 0
        let start = range.lowerBound + index * element.byteCount
        for position in start..<start + element.byteCount { bits = bits << 8 | UInt64(file[position]) }
        return bits
    }

    /// The integer at `index`; the element type must be one.
    func integer(_ index: Int) -> Int64 {
        let bits = bits(index)
        switch element {
        case .int8: return Int64(Int8(truncatingIfNeeded: bits))
        case .uint8: return Int64(bits)
        case .int16: return Int64(Int16(truncatingIfNeeded: bits))
        case .int32: return Int64(Int32(truncatingIfNeeded: bits))
        default: return Int64(bitPattern: bits)
        }
    }

    /// All of them, rounded to float32.
    func floats() -> [Float] {
        guard element == .float32 else { return (0..<count).map { Float(number($0)) } }
        return file.withUnsafeBytes { bytes in
            let place = range.lowerBound
            return (0..<count).map { index in
                let bits = bytes.loadUnaligned(fromByteOffset: place + 4 * index, as: UInt32.self)
                return Float(bitPattern: UInt32(bigEndian: bits))
            }
        }
    }

    func number(_ index: Int) -> Double {
        switch element {
        case .float32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits(index))))
        case .float64: Double(bitPattern: bits(index))
        default: Double(integer(index))
        }
    }
}
