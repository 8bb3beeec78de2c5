// What a person is told of a score shift: the population stability index, and the bins that moved.

internal import Glibc

public struct ShiftExplanation: Equatable, Sendable {
    public struct Bin: Equatable, Sendable {
        public let index: Int
        /// Shares of an arm's scores, smoothed by half a request.
        public let stableShare: Double
        public let canaryShare: Double
        /// (p_c − p_s) · log(p_c/p_s), its part of the index.
        public let part: Double
    }

    /// Σ (p_c − p_s) · log(p_c/p_s). By custom 0.1 is a shift to look at, 0.25 a large one.
    public let index: Double
    /// All of them, those that moved most first.
    public let bins: [Bin]

    init(_ test: ShiftTest) {
        let (canaryTotal, stableTotal) = (test.canary.sum() + 8, test.stable.sum() + 8)
        bins = (0..<ShiftTest.binCount).map { bin in
            let canaryShare = (test.canary[bin] + 0.5) / canaryTotal
            let stableShare = (test.stable[bin] + 0.5) / stableTotal
            let part = (canaryShare - stableShare) * log(canaryShare / stableShare)
            return Bin(index: bin, stableShare: stableShare, canaryShare: canaryShare, part: part)
        }.sorted { $0.part > $1.part }
        index = bins.reduce(0) { $0 + $1.part }
    }
}
