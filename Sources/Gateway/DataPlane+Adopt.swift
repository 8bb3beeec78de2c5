// How a plane comes to a newer snapshot, and says that it has left the older one.
//
//     a request comes: the publication's address is not mine ─► adopt: routes, versions, lanes, scratch memory
//     the round ends: nothing points into what was before ─► announce the generation
//
// Lanes are kept by slot and by the version in it. A slot gets another version only after no request held the one before,
// so a lane that is replaced is empty.

import Batching
import Execution
import HTTP
import Inference
import Primitives
import Routing

extension DataPlane {
    /// Takes the newest snapshot.
    func adopt() {
        (snapshot, generation) = publication._withUnsafeGuaranteedRef { $0.load() }
        snapshotAddress = UInt(bitPattern: Unmanaged.passUnretained(snapshot).toOpaque())
        routes = .passUnretained(snapshot.routes)
        versions = snapshot.table
        var bytes = scratch.count
        for slot in snapshot.versions.indices {
            let version = snapshot.versions[slot]
            if laneOwners[slot] == version.serial { continue }
            pooled?.pointee.place(version, isFirst: laneOwners[slot] == 0)
            if laneOwners[slot] != 0 {
                precondition(lanes[slot].count == 0, "a slot that is given again is empty")
                (lanes + slot).deinitialize(count: 1)
            }
            let lane = InlineLane(
                columns: version.model.outputCount, scoreType: version.model.scoreType,
                rowNanos: UInt64(min(version.model.cost.nanosAlone, version.model.cost.nanosInBatch)))
            (lanes + slot).initialize(to: lane)
            laneOwners[slot] = version.serial
            bytes = max(bytes, version.model.scratchByteCount(rows: InlineLane.rowLimit))
        }
        if bytes > scratch.count {
            scratch.deallocate()
            scratch = .allocate(byteCount: bytes, alignment: 64)
        }
        adoptGuards()
        if announced == 0 { settleRound() }
    }

    /// Between two rounds nothing points into an older snapshot.
    @inline(__always)
    func settleRound() {
        reapShadows()
        restGuards()
        if publication._withUnsafeGuaranteedRef({ $0.address }) != snapshotAddress { adopt() }
        if announced == generation { return }
        announced = generation
        publication._withUnsafeGuaranteedRef { $0.epochs.announce(generation, seat: seat) }
    }

    /// The plane looks at nothing any more.
    func stepAside() {
        publication._withUnsafeGuaranteedRef { $0.epochs.announce(Epochs.away, seat: seat) }
    }

    // MARK: Requests hold their versions

    /// A request and its version: `routed`, and `version` where a fallback is to answer.
    @inline(__always)
    func hold(_ prediction: PredictionPointer) {
        held.add(prediction.pointee.routed)
        if prediction.pointee.version != prediction.pointee.routed { held.add(prediction.pointee.version) }
    }

    /// Another version is to answer from now on.
    func move(_ prediction: PredictionPointer, to version: Int) {
        let (before, routed) = (prediction.pointee.version, prediction.pointee.routed)
        if before == version { return }
        if version != routed { held.add(version) }
        prediction.pointee.version = version
        if before != routed { held.take(before) }
    }

    @inline(__always)
    func release(_ prediction: PredictionPointer) {
        if prediction.pointee.version != prediction.pointee.routed { held.take(prediction.pointee.version) }
        held.take(prediction.pointee.routed)
    }

    // MARK: Routes that a feature decides

    /// With the rows parsed: the route's decision.
    func decide(
        _ stream: Stream, _ endpoint: Endpoint, _ prediction: PredictionPointer
    ) throws(RequestError) {
        let request = prediction.pointee.request
        let choice = routes._withUnsafeGuaranteedRef {
            $0.choose(
                model: prediction.pointee.model, row: UnsafeRawPointer(request.pointee.values.pointer),
                isDouble: request.pointee.valueType == .float64, fields: stream.pointee.fields, random: &random)
        }
        guard case .version(let routed) = choice else { throw Self.refusal(choice) }
        let before = prediction.pointee.version
        if routed.index != before {
            held.add(routed.index)
            held.take(before)
        }
        prediction.pointee.take(routed)
        if versions[routed.index].schema == versions[before].schema { return }
        // The other version has rules of its own for odd values: the body is read again, by them.
        request.pointee.reset()
        try decode(stream, endpoint, routed.index, prediction)
    }

    /// Why a request reaches no version.
    static func refusal(_ choice: RouteChoice) -> RequestError {
        switch choice {
        case .unknownModel: RequestError(404, "unknown model")
        case .unknownLabel: RequestError(404, "unknown label of the model")
        case .unknownVersion: RequestError(404, "unknown version of the model, or it is not ready")
        default: RequestError(503, "no version of the model is ready")
        }
    }
}
