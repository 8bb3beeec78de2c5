// Scoring: jobs of any number of rows, cut into chunks that the scratch has room for.
//
//     scratch:  | rows of the chunk | values [stage][row][column] | a forest's own rows and scratch |
//
// Rows of different jobs share a chunk, as they do for forests.  Nothing here allocates, locks or
// counts references.

internal import CKernels
internal import Inference

extension CompiledProgram {
    /// Bytes of scratch to score up to `rows` rows at once; larger jobs are cut into chunks.
    func scratchByteCount(rows: Int) -> Int {
        let rows = max(1, min(rows, rowsPerChunk))
        return scratchBytes[(rows - 1) / Self.rowStep]
    }

    /// Writes margins (where wanted), scores and status of every job.
    ///
    /// `scratch` is one thread's own, at least `scratchByteCount(rows: 1)` bytes, any alignment.
    func score(_ jobs: UnsafeMutableBufferPointer<ScoringJob>, scratch: UnsafeMutableRawBufferPointer) {
        if program.pointee.is_linear != 0, scoreLinear(jobs) { return }
        var step = scratchBytes.count
        while step > 0, scratchBytes[step - 1] > scratch.count { step -= 1 }
        precondition(step > 0, "scratch is smaller than scratchByteCount(rows: 1)")
        let capacity = step * Self.rowStep
        // SAFETY: three parts that start on 64-byte boundaries; their sizes and the roundings are what
        // scratchBytes adds up.
        let start = scratch.baseAddress.unsafelyUnwrapped.alignedUp(toMultipleOf: 64)
        let rows = start.assumingMemoryBound(to: serin_row.self)
        let values = (start + capacity * MemoryLayout<serin_row>.stride).alignedUp(toMultipleOf: 64)
        let forest = (values + capacity * Int(program.pointee.row_bytes)).alignedUp(toMultipleOf: 64)
        let chunk = Chunk(program: program, jobs: jobs, rows: rows, values: values, capacity: capacity, forest: forest)
        let chunks = RowChunks(
            rows: rows, capacity: capacity, featureCount: featureCount, outputStride: outputCount * scoreType.byteCount)
        chunks.forEach(jobs) { count in chunk.run(count) }
    }

    /// A linear model's rows where they are, without a chunk around them: a logistic regression of 32 features
    /// takes 16 ns instead of 46.  False: the rows of some job have the other width.
    @inline(__always)
    private func scoreLinear(_ jobs: UnsafeMutableBufferPointer<ScoringJob>) -> Bool {
        for index in jobs.indices where jobs[index].valueType != scoreType { return false }
        for index in jobs.indices {
            let job = jobs[index]
            let areFinite = serin_run_linear(program, job.values, job.rowCount, job.margins, job.scores)
            jobs[index].status = areFinite != 0 ? .ok : .nonFinite
        }
        return true
    }

    private struct Chunk {
        let program: UnsafeMutablePointer<serin_program>
        let jobs: UnsafeMutableBufferPointer<ScoringJob>
        let rows: UnsafeMutablePointer<serin_row>
        let values: UnsafeMutableRawPointer
        let capacity: Int
        let forest: UnsafeMutableRawPointer

        @inline(__always)
        func run(_ count: Int) {
            serin_run(program, rows, count, values, capacity, forest)
            for row in 0..<count where rows[row].non_finite != 0 {
                jobs[Int(rows[row].owner)].status = .nonFinite
            }
        }
    }
}
