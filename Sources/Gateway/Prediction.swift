// A predict request between parsing and its answer, in a slab of its reactor.

import Batching
import HTTP
import Inference
import Routing

struct Prediction: ~Copyable {
    /// At an address of its own, which the lane and the codec keep.
    let request: UnsafeMutablePointer<InferenceRequest>
    /// Where the answer goes; nil: the client is gone.
    var stream: UnsafeMutablePointer<HTTPStream>?
    var arm = Arm.stable
    /// The index of the version, and of its lane.
    var version = 0
    /// When the round that brought it began.
    var startedAt: UInt64 = 0
    /// Its way through the executors.
    let job: UnsafeMutablePointer<QueuedJob>
    /// Where the ladder stands: the rungs that were taken. 0: the version itself is to answer.
    var rung = 0
    /// The version that was to answer.
    var routed = 0
    /// In the lane of executors, so that its slot comes back through their completions.
    var isPooled = false

    /// At its address, which its job keeps.
    init(at address: UnsafeMutablePointer<Prediction>) {
        request = .allocate(capacity: 1)
        request.initialize(to: InferenceRequest())
        job = .allocate(capacity: 1)
        job.initialize(to: QueuedJob(request: request, ticket: address))
    }

    deinit {
        job.deinitialize(count: 1)
        job.deallocate()
        request.deinitialize(count: 1)
        request.deallocate()
    }
}
