// A version's cells, a shard a reactor: written on the way of every answered request, read every few seconds.
//
//     columns (shared, constant)      shard of a reactor: | serin_drift_shard | … its own cells … | sums |
//
// Counting a row of 32 features of the shipped models takes 0.05 µs (floats) or 0.06 µs (doubles) with AVX-512; wider rows are
// sampled so that a row costs no more than 32 features do.

internal import CKernels
internal import Synchronization

/// One reactor's handle: no reference, valid as long as its counters.
// SAFETY: one thread counts; the cells are written by relaxed stores, and read so by the collector.
public struct DriftShard: @unchecked Sendable {
    fileprivate let shard: UnsafeMutablePointer<serin_drift_shard>

    /// Counts rows that were answered, in the widths they have.
    public func count(
        values: UnsafeRawPointer, isDouble: Bool, scores: UnsafeRawPointer, scoresAreDouble: Bool, rows: Int
    ) {
        shard.pointee.count(shard, values, isDouble ? 1 : 0, scores, scoresAreDouble ? 1 : 0, rows)
    }
}

// SAFETY: written in init, before a shard is given out; after it only through the shards, as they say.
public final class DriftCounters: @unchecked Sendable {
    public let layout: DriftLayout
    public let shards: [DriftShard]
    /// Features that cost as much as a row may.
    private static let featuresAtOnce = 32

    private let columns: UnsafeMutablePointer<serin_drift_column>
    private let scores: UnsafeMutablePointer<serin_drift_score>
    private let codes: UnsafeMutablePointer<UInt16>
    private let memory: [UnsafeMutableRawPointer]
    private let scoreCount: Int

    /// The kernels that this processor has; all count the same.
    static var kernels: [String] { ["scalar", "avx2", "avx512"].filter { serin_drift_named($0) != nil } }

    /// - Parameter kernel: one of `kernels`; nil: the fastest.
    public init(_ layout: DriftLayout, reactors: Int, kernel: String? = nil) {
        self.layout = layout
        columns = .allocate(capacity: max(layout.featureCount, 1))
        scoreCount = layout.scores.count
        scores = .allocate(capacity: max(scoreCount, 1))
        codes = .allocate(capacity: layout.features.reduce(1) { $0 + $1.codes.count })
        var place = codes
        for (index, variable) in layout.features.enumerated() {
            (columns + index).initialize(to: Self.column(variable, &place))
        }
        for (index, variable) in layout.scores.enumerated() {
            (scores + index).initialize(to: Self.score(variable))
        }
        let count = kernel.flatMap { serin_drift_named($0) } ?? serin_drift_best()
        let stride = max(1, (layout.featureCount + Self.featuresAtOnce - 1) / Self.featuresAtOnce)
        // On cache lines of its own: the handle, the sums, the cells.
        let sumsAt = 64
        let cellsAt = (sumsAt + 8 * scoreCount + 63) & ~63
        let bytes = (cellsAt + 4 * layout.cellCount + 127) & ~127
        var (memory, shards) = ([UnsafeMutableRawPointer](), [DriftShard]())
        for _ in 0..<reactors {
            let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 128)
            block.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
            let shard = block.bindMemory(to: serin_drift_shard.self, capacity: 1)
            shard.initialize(
                to: serin_drift_shard(
                    count: count, columns: columns, scores: scores, column_count: UInt32(layout.featureCount),
                    score_count: UInt32(scoreCount), stride: UInt32(stride), left: 0,
                    cells: (block + cellsAt).assumingMemoryBound(to: UInt32.self),
                    sums: (block + sumsAt).assumingMemoryBound(to: Double.self)))
            memory.append(block)
            shards.append(DriftShard(shard: shard))
        }
        (self.memory, self.shards) = (memory, shards)
    }

    deinit {
        for block in memory { block.deallocate() }
        columns.deallocate()
        scores.deallocate()
        codes.deallocate()
    }

    /// A feature's column; its codes go behind `place`, which moves on.
    private static func column(
        _ variable: DriftVariable, _ place: inout UnsafeMutablePointer<UInt16>
    ) -> serin_drift_column {
        var column = serin_drift_column()
        column.first_cell = UInt32(variable.cells.lowerBound)
        withUnsafeMutableBytes(of: &column.narrow) { lanes in
            for lane in 0..<Int(SERIN_DRIFT_LANES) {
                let value = lane < variable.boundaries.count ? variable.boundaries[lane].narrow : .nan
                lanes.storeBytes(of: value, toByteOffset: 4 * lane, as: Float.self)
            }
        }
        withUnsafeMutableBytes(of: &column.wide) { store(variable.boundaries, SERIN_DRIFT_LANES, in: $0) }
        guard let unseen = variable.unseenBin else { return column }
        column.codes = UnsafePointer(place)
        column.code_count = UInt32(variable.codes.count)
        (column.unseen, column.missing) = (UInt32(unseen), UInt32(unseen + 1))
        for code in variable.codes {
            place.initialize(to: code)
            place += 1
        }
        return column
    }

    private static func score(_ variable: DriftVariable) -> serin_drift_score {
        var score = serin_drift_score()
        score.first_cell = UInt32(variable.cells.lowerBound)
        withUnsafeMutableBytes(of: &score.wide) { store(variable.boundaries, SERIN_DRIFT_SCORE_LANES, in: $0) }
        return score
    }

    private static func store(
        _ boundaries: [DriftVariable.Boundary], _ lanes: Int32, in bytes: UnsafeMutableRawBufferPointer
    ) {
        for lane in 0..<Int(lanes) {
            let value = lane < boundaries.count ? boundaries[lane].wide : .nan
            bytes.storeBytes(of: value, toByteOffset: 8 * lane, as: Double.self)
        }
    }

    /// What each shard's cells hold now; they wrap at 2^32.
    public func read() -> [[UInt32]] {
        shards.map { shard in
            (0..<layout.cellCount).map { index in
                UnsafePointer<Atomic<UInt32>>(OpaquePointer(shard.shard.pointee.cells + index)).pointee
                    .load(ordering: .relaxed)
            }
        }
    }

    /// The sum of the scores that were counted, of a column.
    public func sum(score: Int) -> Double {
        shards.reduce(0) { sum, shard in
            let cell = UnsafePointer<Atomic<UInt64>>(OpaquePointer(shard.shard.pointee.sums + score))
            return sum + Double(bitPattern: cell.pointee.load(ordering: .relaxed))
        }
    }
}
