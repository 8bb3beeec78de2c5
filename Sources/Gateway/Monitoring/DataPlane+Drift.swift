// Values and scores of answered requests, counted for drift: one call a request, no allocation and no lock.

import Inference
import Monitoring
import Primitives
import Routing

extension DataPlane {
    @inline(__always)
    func countDrift(_ prediction: PredictionPointer, _ index: Int) {
        guard versions[index].drift.own != nil, prediction.pointee.rung == 0 else { return }
        countDrift(prediction, versions + index)
    }

    private func countDrift(_ prediction: PredictionPointer, _ entry: UnsafeMutablePointer<VersionEntry>) {
        let arm = prediction.pointee.arm
        guard arm != .pinned, arm != .override else { return }
        if let shards = entry.pointee.drift.own { count(prediction.pointee.request, entry, shards[seat]) }
        if let shards = entry.pointee.drift.beside { count(prediction.pointee.request, entry, shards[seat]) }
    }

    @inline(__always)
    private func count(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ entry: UnsafeMutablePointer<VersionEntry>,
        _ shard: DriftShard
    ) {
        shard.count(
            values: request.pointee.values.pointer, isDouble: request.pointee.valueType == .float64,
            scores: request.pointee.scores.pointer, scoresAreDouble: entry.pointee.scoreType == .float64,
            rows: request.pointee.rowCount)
    }
}
