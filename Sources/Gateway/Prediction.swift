// A predict request between parsing and its answer, in a slab of its reactor.

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

    init() {
        request = .allocate(capacity: 1)
        request.initialize(to: InferenceRequest())
    }

    deinit {
        request.deinitialize(count: 1)
        request.deallocate()
    }
}
