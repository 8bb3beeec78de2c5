// The rows of all jobs one behind the other, as many at a time as scratch holds.

internal import CKernels
internal import Inference

/// The shape of a model's rows, and where their descriptions go.
struct RowChunks {
    let rows: UnsafeMutablePointer<serin_row>
    /// Rows at a time.
    let capacity: Int
    let featureCount: Int
    /// Bytes of a row's margins, and of its scores.
    let outputStride: Int

    /// Describes the jobs' rows, owned by their index, and calls `run` with the number of every chunk's; sets the
    /// jobs' status to `.ok` before.
    @inline(__always)
    func forEach(_ jobs: UnsafeMutableBufferPointer<ScoringJob>, run: (_ count: Int) -> Void) {
        var count = 0
        for index in jobs.indices {
            jobs[index].status = .ok
            let job = jobs[index]
            let rowStride = featureCount * job.valueType.byteCount
            let width = UInt32(job.valueType == .float32 ? SERIN_FLOAT32 : SERIN_FLOAT64)
            for row in 0..<job.rowCount {
                rows[count] = serin_row(
                    values: job.values + row * rowStride, margins: job.margins.map { $0 + row * outputStride },
                    scores: job.scores + row * outputStride, value_width: width, non_finite: 0, owner: UInt64(index))
                count += 1
                if count == capacity {
                    run(count)
                    count = 0
                }
            }
        }
        if count > 0 { run(count) }
    }
}
