// Copies for shadows: drawn when a request is routed, made after it is answered.

import Codec
import Glibc
import Inference
import Primitives
import Routing
import Telemetry

extension DataPlane {
    /// Draws which shadows get a copy, and holds their versions. Only a model's own traffic is copied.
    func drawShadows(_ prediction: PredictionPointer) {
        guard prediction.pointee.arm != .pinned, prediction.pointee.arm != .override else { return }
        let model = prediction.pointee.model
        routes._withUnsafeGuaranteedRef { routes in
            guard routes.hasShadows(model) else { return }
            routes.shadows(model, random: &random) { slot in
                guard prediction.pointee.shadowCount < 4 else { return }
                held.add(slot)
                prediction.pointee.shadows[prediction.pointee.shadowCount] = slot
                prediction.pointee.shadowCount += 1
            }
        }
    }

    /// The request is answered: hands copies of it over, or drops them.
    func copyToShadows(_ prediction: PredictionPointer) {
        while prediction.pointee.shadowCount > 0 {
            prediction.pointee.shadowCount -= 1
            let slot = prediction.pointee.shadows[prediction.pointee.shadowCount]
            guard let cell = shadowRing.take() else {
                if let dropped = versions[slot].shadowDropped { shard.add(dropped) }
                held.take(slot)
                continue
            }
            fill(cell, prediction, slot)
            shadowRing.submit()
        }
    }

    private func fill(_ cell: UnsafeMutablePointer<ShadowCell>, _ prediction: PredictionPointer, _ slot: Int) {
        let request = prediction.pointee.request
        cell.pointee.values.reset()
        cell.pointee.values.append(request.pointee.values.bytes)
        cell.pointee.scores.reset()
        cell.pointee.scores.append(request.pointee.scores.bytes)
        cell.pointee.rowCount = request.pointee.rowCount
        cell.pointee.valueType = request.pointee.valueType
        let answering = versions[prediction.pointee.version]
        cell.pointee.scoreType = answering.scoreType
        cell.pointee.columns = answering.columns
        cell.pointee.threshold = answering.threshold
        cell.pointee.version = versions[slot].owner
        cell.pointee.slot = slot
    }

    /// A request that is not answered has no copies.
    @inline(__always)
    func dropShadows(_ prediction: PredictionPointer) {
        if prediction.pointee.shadowCount == 0 { return }
        while prediction.pointee.shadowCount > 0 {
            prediction.pointee.shadowCount -= 1
            held.take(prediction.pointee.shadows[prediction.pointee.shadowCount])
        }
    }

    /// Lets go of the versions whose copies are scored.
    @inline(__always)
    func reapShadows() {
        if shadowRing.isEmpty { return }
        shadowRing.reap { held.take($0) }
    }
}
