// What the lane does not run: requests that were abandoned, and those whose answer could not be in time.
//
//     jobs  [ j0 j1̶ j2 j3̶ ]  ─►  [ j0 j2 ]      dropped tickets: [ t1 t3 ]
//
// A request must start so early that its own rows can be scored before its deadline. The lane keeps the
// earliest of these moments, so that a batch of which nothing is late or abandoned, which is nearly every
// batch, costs two comparisons.

internal import Inference

extension InlineLane {
    /// A request of this lane was abandoned.
    public mutating func noteAbandoned() { hasAbandoned = true }

    /// Takes out what is not to be run at `now`, and returns its tickets, valid until the next call; a request that is
    /// late is abandoned as `.expired`. The others keep their order.
    @inline(__always)
    public mutating func dropDead(at now: UInt64) -> UnsafeMutableBufferPointer<Ticket> {
        if now <= earliestStart && !hasAbandoned { return .init(start: nil, count: 0) }
        return drop(at: now)
    }

    private mutating func drop(at now: UInt64) -> UnsafeMutableBufferPointer<Ticket> {
        var (kept, dropped) = (0, 0)
        earliestStart = .max
        rows = 0
        for index in 0..<count {
            let request = requests[index]
            let latest = latestStart(request)
            if latest < now { request.pointee.fate.abandon(.expired) }
            if request.pointee.fate.abandoned != nil {
                droppedStorage[dropped] = ticketStorage[index]
                dropped += 1
                continue
            }
            jobStorage[kept] = jobStorage[index]
            requests[kept] = request
            ticketStorage[kept] = ticketStorage[index]
            earliestStart = min(earliestStart, latest)
            rows += request.pointee.rowCount
            kept += 1
        }
        count = kept
        hasAbandoned = false
        return .init(start: droppedStorage, count: dropped)
    }

    /// The last moment to begin scoring the request; `.max`: any.
    func latestStart(_ request: UnsafeMutablePointer<InferenceRequest>) -> UInt64 {
        let deadline = request.pointee.deadline
        if deadline == .max { return .max }
        let cost = UInt64(request.pointee.rowCount) * rowNanos
        return deadline > cost ? deadline - cost : 0
    }
}
