// (iv) Does the candidate score differently?  It may: so this only pauses, and explains.
//
//     q̂(b)  share of bin b, from *earlier* ticks only, + 0.5 a bin (with the present tick in it, it fires always)
//     s(b) = ρ q̂_c(b) / (ρ q̂_c(b) + (1 − ρ) q̂_s(b))        who scores in b, if the arms are as they have been
//     L = Π (s(b)/ρ) a canary request in b · ((1 − s(b))/(1 − ρ)) a stable request in b
//
// Under H0 the bin says nothing about the arm, so E[L | past] = 1 whatever q̂ is.  (Podkopaev and Ramdas, "Sequential
// predictive two-sample testing".)  It needs fresh assignment a request; under sticky routing only the first request of
// each key is in the bins.

internal import Glibc

struct ShiftTest: Equatable, Sendable {
    static let binCount = ArmCounts.binCount

    private(set) var evidence = Evidence(lanes: 1)
    /// Requests in each bin, of all ticks so far.
    private(set) var canary = SIMD16<Double>()
    private(set) var stable = SIMD16<Double>()

    /// One tick.
    mutating func step(_ cohort: Cohort) {
        let first = cohort.first
        if cohort.second == nil, first.canary.scores == .zero, first.stable.scores == .zero { return evidence.rest() }
        var log = logRatio(first)
        if let second = cohort.second { log += logRatio(second) }
        var logs = SIMD8<Double>()
        logs[0] = log
        evidence.step(logs: logs)
        learn(first)
        if let second = cohort.second { learn(second) }
    }

    private func logRatio(_ part: CohortPart) -> Double {
        guard part.share > 0, part.share < 1 else { return 0 }
        let canaryScores = part.canary.scores
        let stableScores = part.stable.scores
        let canaryTotal = canary.sum() + Double(Self.binCount) / 2
        let stableTotal = stable.sum() + Double(Self.binCount) / 2
        var sum = 0.0
        for bin in 0..<Self.binCount where canaryScores[bin] | stableScores[bin] != 0 {
            let canaryShare = (canary[bin] + 0.5) / canaryTotal
            let stableShare = (stable[bin] + 0.5) / stableTotal
            let mixture = part.share * canaryShare + (1 - part.share) * stableShare
            if canaryScores[bin] > 0 { sum += Double(canaryScores[bin]) * log(canaryShare / mixture) }
            if stableScores[bin] > 0 { sum += Double(stableScores[bin]) * log(stableShare / mixture) }
        }
        return sum
    }

    private mutating func learn(_ part: CohortPart) {
        guard part.share > 0, part.share < 1 else { return }
        canary += SIMD16<Double>(part.canary.scores)
        stable += SIMD16<Double>(part.stable.scores)
    }

    mutating func rest(_ ticks: Double) { evidence.rest(ticks) }

    /// Keeps what it knows of the shares, and starts to count evidence anew.
    mutating func forgive() { evidence.reset() }
}

extension ShiftTest: Storable {
    func write(to snapshot: inout SnapshotWriter) {
        evidence.write(to: &snapshot)
        for bin in 0..<Self.binCount { snapshot.write(canary[bin]) }
        for bin in 0..<Self.binCount { snapshot.write(stable[bin]) }
    }

    mutating func read(from snapshot: inout SnapshotReader) throws(SnapshotError) {
        try evidence.read(from: &snapshot)
        for bin in 0..<Self.binCount { canary[bin] = try snapshot.number() }
        for bin in 0..<Self.binCount { stable[bin] = try snapshot.number() }
    }
}
