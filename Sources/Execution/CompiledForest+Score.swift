// Scoring: jobs of any number of rows, cut into chunks that the scratch has room for.
//
//     jobs ─► rows of one chunk (≤ 512, of several jobs) ─► kernels ─► each job's margins and scores
//
// Rows of different jobs share a chunk, so ten requests of one row cost as little as one request
// of ten.  Nothing here allocates, locks or counts references.

internal import CKernels
internal import Inference

extension CompiledForest {
    private static let rowBytes = MemoryLayout<serin_row>.stride

    /// Rows that the kernels like to have together, and no more than they take.
    var rowsPerChunk: Int { Int(view.pointee.rows_max) }

    /// Bytes of scratch to score up to `rows` rows at once; larger jobs are cut into chunks.
    func scratchByteCount(rows: Int) -> Int {
        chunkBytes(rows: max(1, min(rows, Int(view.pointee.rows_max))))
    }

    private func chunkBytes(rows: Int) -> Int {
        128 + rows * Self.rowBytes + serin_scratch_bytes(view, rows)
    }

    /// As many rows as the scratch has room for, up to those there are.
    private func capacity(_ scratchBytes: Int, rows: Int) -> Int {
        let wanted = max(1, min(rows, Int(view.pointee.rows_max)))
        if chunkBytes(rows: wanted) <= scratchBytes { return wanted }
        var (fits, tooMany) = (0, wanted)
        while tooMany - fits > 1 {
            let middle = (fits + tooMany) / 2
            if chunkBytes(rows: middle) <= scratchBytes { fits = middle } else { tooMany = middle }
        }
        precondition(fits > 0, "scratch is smaller than scratchByteCount(rows: 1)")
        return fits
    }

    /// Writes margins (where wanted), scores and status of every job.
    ///
    /// `scratch` is one thread's own, at least `scratchByteCount(rows: 1)` bytes, any alignment.
    func score(_ jobs: UnsafeMutableBufferPointer<ScoringJob>, scratch: UnsafeMutableRawBufferPointer) {
        let capacity = capacity(scratch.count, rows: jobs.reduce(0) { $0 + $1.rowCount })
        // SAFETY: both parts start on a 64-byte boundary; their sizes and two roundings are what
        // scratchByteCount adds up.
        let start = scratch.baseAddress.unsafelyUnwrapped.alignedUp(toMultipleOf: 64)
        let rows = start.assumingMemoryBound(to: serin_row.self)
        let working = (start + capacity * Self.rowBytes).alignedUp(toMultipleOf: 64)
        let chunks = RowChunks(
            rows: rows, capacity: capacity, featureCount: featureCount, outputStride: outputCount * scoreType.byteCount)
        chunks.forEach(jobs) { count in flush(jobs, rows, count, working) }
    }

    @inline(__always)
    private func flush(
        _ jobs: UnsafeMutableBufferPointer<ScoringJob>, _ rows: UnsafeMutablePointer<serin_row>, _ count: Int,
        _ working: UnsafeMutableRawPointer
    ) {
        serin_score(view, rows, count, working)
        for row in 0..<count where rows[row].non_finite != 0 {
            jobs[Int(rows[row].owner)].status = .nonFinite
        }
    }
}
