// Scores rows with a compiled model, as one job or as one job a row, for comparison with the oracle.

import Execution
import Inference
import ModelFormat

struct Scored: Equatable {
    /// [row][output], widened.
    var margins: [[Double]]
    var scores: [[Double]]
    /// One a job.
    var status: [ScoringStatus]
}

/// `rowsPerJob` 0: all rows in one job.  `scratchRows`: the rows that the scratch has room for.
func score(
    _ model: CompiledModel, _ rows: [[Double]], _ type: NumberWidth, rowsPerJob: Int = 0, scratchRows: Int = 64
) -> Scored {
    let outputs = model.outputCount
    let bytes = model.scoreType.byteCount
    let flat = rows.flatMap { $0 }
    let values = UnsafeMutableRawPointer.allocate(byteCount: max(1, flat.count) * 8, alignment: 64)
    let margins = UnsafeMutableRawPointer.allocate(byteCount: max(1, rows.count) * outputs * bytes, alignment: 64)
    let scores = UnsafeMutableRawPointer.allocate(byteCount: max(1, rows.count) * outputs * bytes, alignment: 64)
    let scratchBytes = model.scratchByteCount(rows: scratchRows)
    // Odd on purpose: scratch may start anywhere.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: scratchBytes + 8, alignment: 64)
    defer {
        values.deallocate()
        margins.deallocate()
        scores.deallocate()
        scratch.deallocate()
    }
    let width = type == .float32 ? 4 : 8
    for (index, value) in flat.enumerated() {
        if type == .float32 {
            values.storeBytes(of: Float(value), toByteOffset: 4 * index, as: Float.self)
        } else {
            values.storeBytes(of: value, toByteOffset: 8 * index, as: Double.self)
        }
    }
    let size = rowsPerJob == 0 ? max(1, rows.count) : rowsPerJob
    var jobs = stride(from: 0, to: rows.count, by: size).map { first in
        ScoringJob(
            values: values + first * model.featureCount * width, rowCount: min(size, rows.count - first),
            valueType: type == .float32 ? .float32 : .float64, margins: margins + first * outputs * bytes,
            scores: scores + first * outputs * bytes)
    }
    jobs.withUnsafeMutableBufferPointer { jobs in
        model.score(jobs, scratch: UnsafeMutableRawBufferPointer(rebasing: scratch[8...]))
    }
    func read(_ memory: UnsafeMutableRawPointer) -> [[Double]] {
        rows.indices.map { row in
            (0..<outputs).map { output in
                let offset = (row * outputs + output) * bytes
                return model.scoreType == .float32
                    ? Double(memory.load(fromByteOffset: offset, as: Float.self))
                    : memory.load(fromByteOffset: offset, as: Double.self)
            }
        }
    }
    return Scored(margins: read(margins), scores: read(scores), status: jobs.map { $0.status })
}

/// Bit by bit, so that -0 differs from 0; every NaN is the same.
func bits(_ rows: [[Double]]) -> [[UInt64]] { rows.map { $0.map { $0.isNaN ? .max : $0.bitPattern } } }
