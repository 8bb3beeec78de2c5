// (ii) Rare events, canary against stable: errors, and decisions in both directions.
//
//     upward    H0: r ≤ r0      alternatives r_k above it     a candidate that fails, or decides, more
//     downward  H0: r ≥ 1/r0    alternatives 1/r_k below it   a candidate that no longer decides
//     L_k = Π over ρ-epochs (θ(r_k,ρ)/θ(r0,ρ))^b_c · ((1−θ(r_k,ρ))/(1−θ(r0,ρ)))^b_s
//
// Each event is taken at the share ρ with which it was *routed*; at the share of the tick in which it became known it
// fires falsely in 31 to 100% of runs after a step down.  It needs an independent coin a request; under sticky
// routing a key's first request has one: `KeyBitmap` sees to that.  Skipped where ρ is 0 or 1: all events are one arm's by construction.
//
// Before it may fire it wants 5 events of the arm that has more of them than it should: the canary's upward, stable's
// downward (a candidate that never decides has none of its own).

struct RatioTest: Equatable, Sendable {
    static let factors: [Double] = [1.5, 2, 3, 5, 10, 30, 100, 300]
    static let eventsMin: UInt64 = 5

    enum Direction: Sendable { case up, down }

    let direction: Direction
    private(set) var evidence: Evidence
    private(set) var ratio: EventRatio
    /// Since the beginning, of both arms, where ρ was neither 0 nor 1.
    private(set) var canaryEvents: UInt64 = 0
    private(set) var stableEvents: UInt64 = 0

    /// - Parameter tolerance: r0, from 1 up; alternatives that do not lie beyond it are left out.
    init(tolerance: Double, direction: Direction) {
        precondition(tolerance >= 1 && tolerance < 300)
        self.direction = direction
        let beyond = Self.factors.filter { $0 > tolerance }
        let isUp = direction == .up
        ratio = EventRatio(
            null: isUp ? tolerance : 1 / tolerance, alternatives: isUp ? beyond : beyond.map { 1 / $0 })
        evidence = Evidence(lanes: beyond.count)
    }

    /// One tick: events by the share with which they were routed.
    mutating func step(_ cohort: Cohort, _ events: (ArmCounts) -> UInt32) {
        let (canary, stable) = (events(cohort.first.canary), events(cohort.first.stable))
        if cohort.second == nil, canary | stable == 0 { return evidence.rest() }
        var logs = logs(cohort.first, canary, stable)
        if let second = cohort.second { logs += self.logs(second, events(second.canary), events(second.stable)) }
        evidence.step(logs: logs)
    }

    private mutating func logs(_ part: CohortPart, _ canary: UInt32, _ stable: UInt32) -> SIMD8<Double> {
        guard canary | stable != 0, part.share > 0, part.share < 1 else { return .zero }
        ratio.prepare(share: part.share)
        canaryEvents += UInt64(canary)
        stableEvents += UInt64(stable)
        return ratio.logs(canary: UInt64(canary), stable: UInt64(stable))
    }

    mutating func rest(_ ticks: Double) { evidence.rest(ticks) }

    /// Whether enough was seen to fire at all.
    var mayFire: Bool { (direction == .up ? canaryEvents : stableEvents) >= Self.eventsMin }
}

extension RatioTest: Storable {
    func write(to snapshot: inout SnapshotWriter) {
        evidence.write(to: &snapshot)
        snapshot.write(canaryEvents)
        snapshot.write(stableEvents)
    }

    mutating func read(from snapshot: inout SnapshotReader) throws(SnapshotError) {
        try evidence.read(from: &snapshot)
        canaryEvents = try snapshot.integer()
        stableEvents = try snapshot.integer()
    }
}
