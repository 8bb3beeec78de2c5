// Rows of answered requests into the decision log's ring: copied, never waited for.

import Inference
import Monitoring
import Primitives
import Routing
import Telemetry

extension DataPlane {
    @inline(__always)
    func logDecision(_ prediction: PredictionPointer, _ index: Int, at now: UInt64) {
        let threshold = versions[index].decisions.threshold
        guard threshold > 0, decisions != nil else { return }
        if threshold < .max, random.next() >= threshold { return }
        copyToLog(prediction, index, now)
    }

    private func copyToLog(_ prediction: PredictionPointer, _ index: Int, _ now: UInt64) {
        guard let ring = decisions else { return }
        let entry = versions + index
        let request = prediction.pointee.request
        let arms = versions[prediction.pointee.routed].arms
        var head = DecisionHead(
            schema: entry.pointee.decisions.schema, nanos: now, latencyNanos: now &- prediction.pointee.startedAt,
            id: prediction.pointee.number, isDouble: request.pointee.valueType == .float64,
            isFallback: prediction.pointee.rung > 0, fixedLabel: request.pointee.fixedLabel,
            arm: arms[Int(prediction.pointee.arm.rawValue)].pointee.name)
        let rows = request.pointee.rowCount
        let valueBytes = request.pointee.values.count / max(rows, 1)
        let scoreBytes = entry.pointee.columns * entry.pointee.scoreType.byteCount
        for row in 0..<rows {
            let place = ring._withUnsafeGuaranteedRef {
                $0.reserve(DecisionHead.size(valueBytes: valueBytes, scoreBytes: scoreBytes))
            }
            guard let place else { return shard.add(decisionsDropped, UInt64(rows - row)) }
            head.row = UInt32(row)
            head.write(
                to: place,
                values: UnsafeRawBufferPointer(
                    start: request.pointee.values.pointer + row * valueBytes, count: valueBytes),
                scores: UnsafeRawBufferPointer(
                    start: request.pointee.scores.pointer + row * scoreBytes, count: scoreBytes))
            ring._withUnsafeGuaranteedRef { $0.publish() }
        }
    }
}
