// What the reactor's own lane adds to a request that comes alone: into the lane, the look for what is late, out again.
//
//     lane [--goal 100]      the best of 20 runs of 200,000 requests, in nanoseconds; PASS or FAIL
//
// Scoring is left out: with a lane or without one it is the same call.

import Batching
import Glibc
import Inference
import Primitives

let goal = CommandLine.arguments.firstIndex(of: "--goal").flatMap { index in
    index + 1 < CommandLine.arguments.count ? Double(CommandLine.arguments[index + 1]) : nil
}
let goalNanos = goal ?? 100

func nanos() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

var lane = InlineLane(columns: 1, scoreType: .float32, rowNanos: 12_000)
let request = UnsafeMutablePointer<InferenceRequest>.allocate(capacity: 1)
request.initialize(to: InferenceRequest())
request.pointee.rowCount = 1
request.pointee.deadline = .max - 1
request.pointee.values.reserve(4 * 256)

let count = 200_000
var (best, answered) = (Double.infinity, 0)
for _ in 0..<20 {
    let started = nanos()
    for now in 0..<UInt64(count) {
        _ = lane.append(request, UnsafeMutableRawPointer(request))
        answered -= lane.dropDead(at: now).count
        answered += lane.jobs.count
        _ = lane.finish()
    }
    best = min(best, Double(nanos() - started) / Double(count))
}
precondition(answered == 20 * count, "every request came out once")
request.deinitialize(count: 1)
request.deallocate()
print("the reactor's lane: \((best * 10).rounded() / 10) ns a request")
print(best <= goalNanos ? "PASS" : "FAIL: \(best) ns, the goal is \(goalNanos) ns")
exit(best <= goalNanos ? 0 : 1)
