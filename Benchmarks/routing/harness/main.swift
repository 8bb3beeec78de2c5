// What a routing decision costs: the table, its draw and its hash, one request after another.
//
//     routing [--goal 100]      each kind of route, the best of 20 runs of 200,000 decisions; PASS or FAIL
//
// Routes are chosen among 64 models, so that the table does not lie in one line of cache.

import Glibc
import Primitives
import Routing

let goal = CommandLine.arguments.firstIndex(of: "--goal").flatMap { index in
    index + 1 < CommandLine.arguments.count ? Double(CommandLine.arguments[index + 1]) : nil
}
let goalNanos = goal ?? 100

func nanos() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// The cheapest of 20 runs, in nanoseconds a decision.
func measure(_ model: RoutedModel, key: String?) -> Double {
    let table = RouteTable(
        (0..<64).map { number in
            var other = model
            other.name = "model-\(number)"
            return other
        })
    var fields = FieldValues()
    if let key { Array(key.utf8).withUnsafeBytes { fields.set(0, $0) } }
    let name = Array("model-37".utf8)
    var random = SplitMix64(seed: 1)
    let count = 200_000
    var (best, canaries) = (Double.infinity, 0)
    for _ in 0..<20 {
        let started = nanos()
        name.withUnsafeBytes { name in
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            for _ in 0..<count {
                let choice = table.choose(model: name, version: none, label: none, fields: fields, random: &random)
                if case .version(let routed) = choice, routed.arm == .canary { canaries += 1 }
            }
        }
        best = min(best, Double(nanos() - started) / Double(count))
    }
    return canaries < 0 ? .infinity : best
}

var plain = RoutedModel(name: "", versions: [(1, 0), (2, 1)], stable: 0)
var canary = plain
canary.canary = RoutedShare(index: 1, parts: 25_000)
canary.arms = [RoutedShare(index: 1, parts: 100_000, name: "b")]
canary.shadows = [RoutedShare(index: 1, parts: 0)]
var sticky = canary
sticky.sticky = RoutedStickiness(key: .field(0), hash: SipHash(1, 2))
var segments = sticky
segments.segments = (0..<8).map { RoutedSegment(key: .field(1), texts: ["value-\($0)"], index: 1) }

var worst = 0.0
for (name, model, key) in [
    ("stable only", plain, nil), ("canary and arm, drawn", canary, nil),
    ("the same, sticky by a key of 24 bytes", sticky, "customer-0123456789abcdef"),
    ("the same, behind 8 segments", segments, "customer-0123456789abcdef"),
] as [(String, RoutedModel, String?)] {
    let cost = measure(model, key: key)
    worst = max(worst, cost)
    print("\(name): \((cost * 10).rounded() / 10) ns")
}
print(worst <= goalNanos ? "PASS" : "FAIL: \(worst) ns, the goal is \(goalNanos) ns")
exit(worst <= goalNanos ? 0 : 1)
