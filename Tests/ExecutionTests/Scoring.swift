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
    let outputBytes = model.outputCount * model.scoreType.byteCount
    let values = flatten(rows, type)
    let margins = UnsafeMutableRawPointer.allocate(byteCount: max(1, rows.count) * outputBytes, alignment: 64)
    let scores = UnsafeMutableRawPointer.allocate(byteCount: max(1, rows.count) * outputBytes, alignment: 64)
    // Scratch may start anywhere: 8 bytes behind a boundary on purpose.
    let scratch = UnsafeMutableRawBufferPointer.allocate(
        byteCount: model.scratchByteCount(rows: scratchRows) + 8, alignment: 64)
    defer {
        values.deallocate()
        margins.deallocate()
        scores.deallocate()
        scratch.deallocate()
    }
    let valueType: ValueType = type == .float32 ? .float32 : .float64
    let size = rowsPerJob == 0 ? max(1, rows.count) : rowsPerJob
    var jobs = stride(from: 0, to: rows.count, by: size).map { first in
        ScoringJob(
            values: values + first * model.featureCount * valueType.byteCount, rowCount: min(size, rows.count - first),
            valueType: valueType, margins: margins + first * outputBytes, scores: scores + first * outputBytes)
    }
    jobs.withUnsafeMutableBufferPointer { jobs in
        model.score(jobs, scratch: UnsafeMutableRawBufferPointer(rebasing: scratch[8...]))
    }
    return Scored(
        margins: widen(margins, model, rows.count), scores: widen(scores, model, rows.count),
        status: jobs.map { $0.status })
}

/// Rows as they arrive, one behind the other; the caller frees them.
private func flatten(_ rows: [[Double]], _ type: NumberWidth) -> UnsafeMutableRawPointer {
    let flat = rows.flatMap { $0 }
    let values = UnsafeMutableRawPointer.allocate(byteCount: max(1, flat.count) * 8, alignment: 64)
    for (index, value) in flat.enumerated() {
        if type == .float32 {
            values.storeBytes(of: Float(value), toByteOffset: 4 * index, as: Float.self)
        } else {
            values.storeBytes(of: value, toByteOffset: 8 * index, as: Double.self)
        }
    }
    return values
}

/// [row][output] of a model's margins or scores.
private func widen(_ memory: UnsafeMutableRawPointer, _ model: CompiledModel, _ rowCount: Int) -> [[Double]] {
    (0..<rowCount).map { row in
        (0..<model.outputCount).map { output in
            let offset = (row * model.outputCount + output) * model.scoreType.byteCount
            return model.scoreType == .float32
                ? Double(memory.load(fromByteOffset: offset, as: Float.self))
                : memory.load(fromByteOffset: offset, as: Double.self)
        }
    }
}

/// Bit by bit, so that -0 differs from 0; every NaN is the same.
func bits(_ rows: [[Double]]) -> [[UInt64]] { rows.map { $0.map { $0.isNaN ? .max : $0.bitPattern } } }
