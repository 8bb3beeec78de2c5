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

    init() {
        request = .allocate(capacity: 1)
        request.initialize(to: InferenceRequest())
    }

    mutating func take(_ routed: Routed) {
        version = routed.index
        arm = routed.arm
        key = routed.key
        isSticky = routed.isSticky
        model = routed.model
    }

    deinit {
        request.deinitialize(count: 1)
        request.deallocate()
    }
}
