// The edges of a histogram, laid out for a search of one or two steps.
//
//     byte 0…64    for each bit length of a value: the first edge such a value can belong to
//     byte 72…     the edges, ascending, UInt64 each; the last is UInt64.max (+Inf)
//
// A value's bit length is one instruction, and between two powers of two a latency histogram has
// one or two edges, so the walk that follows is short, and well predicted where latencies are steady.

/// Builds the table that `HistogramID.bucket(of:)` reads.
@usableFromInline
enum BucketSearch {
    /// Edges a histogram can have, +Inf not counted: a start fits one byte.
    static let edgeCountMax = 200

    @inlinable static var edgesOffset: Int { 72 }

    /// Allocates the table of `edges` (ascending, below UInt64.max); the caller frees it.
    static func make(_ edges: [UInt64]) -> UnsafeRawPointer {
        // SAFETY: 72 bytes of starts and padding, then edges.count + 1 words; all are written here.
        let byteCount = edgesOffset + (edges.count + 1) * 8
        let table = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
        table.initializeMemory(as: UInt8.self, repeating: 0, count: edgesOffset)
        for bits in 0...64 {
            let smallest = bits == 0 ? 0 : UInt64(1) << UInt64(bits - 1)
            let start = edges.firstIndex { $0 >= smallest } ?? edges.count
            table.storeBytes(of: UInt8(start), toByteOffset: bits, as: UInt8.self)
        }
        for (index, edge) in (edges + [.max]).enumerated() {
            table.storeBytes(of: edge, toByteOffset: edgesOffset + index * 8, as: UInt64.self)
        }
        return UnsafeRawPointer(table)
    }
}

/// Edges for latencies of a gateway: 10 µs to 1 s, three a decade.
public enum LatencyEdges {
    /// In seconds.
    public static let standard: [Double] = [
        10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 200e-3, 500e-3, 1,
    ]

    /// The standard edges and one exactly at `budget` seconds, so that "late" can be read off the histogram.
    public static func including(budget: Double) -> [Double] {
        standard.contains(budget) ? standard : (standard + [budget]).sorted()
    }
}
