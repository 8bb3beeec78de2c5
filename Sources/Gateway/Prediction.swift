// A predict request between parsing and its answer, in a slab of its reactor.

import Batching
import HTTP
import Inference
import Monitoring
import Routing

struct Prediction: ~Copyable {
    /// At an address of its own, which the lane and the codec keep.
    let request: UnsafeMutablePointer<InferenceRequest>
    /// Where the answer goes; nil: the client is gone.
    var stream: UnsafeMutablePointer<HTTPStream>?
    var arm = Arm.stable
    /// The slot of the version that is to answer now, and of its lane.
    var version = 0
    /// What the route's decision went by; see `Routed`.
    var key: UInt64 = 0
    var isSticky = false
    /// Slots of the shadows that get a copy; the first `shadowCount` count.
    var shadows: InlineArray<4, Int> = .init(repeating: 0)
    var shadowCount = 0
    /// The model's place in the routes.
    var model = 0
    /// When the round that brought it began.
    var startedAt: UInt64 = 0
    /// Its way through the executors.
    let job: UnsafeMutablePointer<QueuedJob>
    /// Where the ladder stands: the rungs that are behind it. 0: the version itself is to answer.
    var rung = 0
    /// The version that was to answer: held as long as the request, as `version` is.
    var routed = 0
    /// What was asked.
    var endpoint = Endpoint.infer
    /// What the rollout's guard waits for.
    var guarded = GuardedRequest.none
    /// Of the request: in its rows' prediction ids, and in the decision log.
    var number = RequestNumber(high: 0, low: 0)
    /// In the lane of executors, so that its slot comes back through their completions.
    var isPooled = false
    /// These explain it, in a queue of its own.
    var isExplained = false

    /// At its address, which its job keeps.
    init(at address: UnsafeMutablePointer<Prediction>) {
        request = .allocate(capacity: 1)
        request.initialize(to: InferenceRequest())
        job = .allocate(capacity: 1)
        job.initialize(to: QueuedJob(request: request, ticket: address))
    }

    mutating func take(_ routed: Routed) {
        version = routed.index
        self.routed = routed.index
        arm = routed.arm
        key = routed.key
        isSticky = routed.isSticky
        model = routed.model
    }

    /// The request of another slot goes on in this one.
    mutating func continues(_ other: borrowing Prediction) {
        (version, routed, arm, model) = (other.version, other.routed, other.arm, other.model)
        (key, isSticky) = (other.key, other.isSticky)
        (rung, startedAt, guarded) = (other.rung, other.startedAt, other.guarded)
        endpoint = other.endpoint
    }

    deinit {
        job.deinitialize(count: 1)
        job.deallocate()
        request.deinitialize(count: 1)
        request.deallocate()
    }
}
