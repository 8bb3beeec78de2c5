// Serin as the gateway uses it: a compiled model, jobs over rows in place, one thread's scratch.

import CPeers
import Execution
import Inference
import ModelFormat

/// SAFETY: its memory is its own, and one thread at a time uses it.
final class SerinScorer: Scorer, @unchecked Sendable {
    let name = "serin"
    let givesMargins: Bool
    let model: CompiledModel
    private let rows: MeasuredRows
    private let scores: UnsafeMutableRawPointer
    private let margins: UnsafeMutableRawPointer
    private let scratch: UnsafeMutableRawBufferPointer
    private let job: UnsafeMutableBufferPointer<ScoringJob>

    /// `largestBatch` is the most rows of a call.
    init(_ model: CompiledModel, rows: MeasuredRows, hasMargins: Bool, largestBatch: Int) throws {
        guard model.featureCount == rows.width else {
            throw Failure("serin: the model has \(model.featureCount) features, not \(rows.width)")
        }
        self.model = model
        self.rows = rows
        givesMargins = hasMargins
        let bytes = largestBatch * model.outputCount * model.scoreType.byteCount
        scores = .allocate(byteCount: bytes, alignment: 64)
        margins = .allocate(byteCount: bytes, alignment: 64)
        scratch = .allocate(byteCount: model.scratchByteCount(rows: min(largestBatch, 1_024)), alignment: 64)
        job = .allocate(capacity: 1)
        job.initialize(
            repeating: ScoringJob(
                values: UnsafeRawPointer(rows.values), rowCount: 1, valueType: .float32, margins: nil, scores: scores))
    }

    deinit {
        scores.deallocate()
        margins.deallocate()
        scratch.deallocate()
        job.deallocate()
    }

    func run(first: Int, rows count: Int, calls: Int, rotation: Int) -> UInt64 {
        var row = first % rotation
        job[0].rowCount = count
        job[0].margins = nil
        let begin = peer_clock_nanos()
        for _ in 0..<calls {
            job[0].values = UnsafeRawPointer(rows.values + row * rows.width)
            model.score(job, scratch: scratch)
            row += count
            if row >= rotation { row = 0 }
        }
        return peer_clock_nanos() - begin
    }

    /// Scored 64 rows at a time.
    func answers(_ count: Int) -> [Double] { answers(count, rowsPerCall: 64) }

    func answers(_ count: Int, rowsPerCall: Int) -> [Double] {
        var found: [Double] = []
        found.reserveCapacity(count)
        job[0].margins = margins
        for first in stride(from: 0, to: count, by: rowsPerCall) {
            job[0].rowCount = min(rowsPerCall, count - first)
            job[0].values = UnsafeRawPointer(rows.values + first * rows.width)
            model.score(job, scratch: scratch)
            for row in 0..<job[0].rowCount { found.append(number(givesMargins ? margins : scores, row)) }
        }
        return found
    }

    /// The last output of a row: a binary classifier may give both classes.
    private func number(_ memory: UnsafeMutableRawPointer, _ row: Int) -> Double {
        let place = (row + 1) * model.outputCount - 1
        return model.scoreType == .float32
            ? Double(memory.load(fromByteOffset: 4 * place, as: Float.self))
            : memory.load(fromByteOffset: 8 * place, as: Double.self)
    }
}
