// What explaining a row costs here and now: measured when a version prepares its explanations, as ScoringCost is when
// it is loaded.
//
// TreeSHAP visits every leaf whatever the row says, so rows of fixed pseudo-random numbers cost what any cost. The best of
// some turns within 2 ms of processor time, or one turn where that alone takes longer.

internal import Inference

extension ContributionExplainer {
    private static let turnsMax = 16
    private static let budgetNanos: UInt64 = 2_000_000
    private static let rows = 4

    /// Nanoseconds of processor time for a row.
    public func measuredNanosPerRow() -> Double {
        let values = ImageMemory(count: Self.rows * featureCount * 4)
        let output = ImageMemory(count: Self.rows * outputCount * columnCount * scoreType.byteCount)
        let scratch = ImageMemory(count: scratchByteCount)
        var state: UInt32 = 1
        for place in 0..<Self.rows * featureCount {
            // Numerical Recipes' generator; the upper bits, between -2 and 2.
            state = state &* 1_664_525 &+ 1_013_904_223
            let value = Float(state >> 8) / Float(1 << 22) - 2
            values.start.storeBytes(of: value, toByteOffset: place * 4, as: Float.self)
        }
        let room = UnsafeMutableRawBufferPointer(start: scratch.start, count: scratchByteCount)
        func turn() {
            var job = ContributionJob(
                values: values.start, rowCount: Self.rows, valueType: .float32, contributions: output.start)
            withUnsafeMutablePointer(to: &job) { pointer in
                explain(UnsafeMutableBufferPointer(start: pointer, count: 1), scratch: room)
            }
        }
        var (best, spent): (UInt64, UInt64) = (.max, 0)
        // The first turn brings the tables into the caches.
        for count in 0..<Self.turnsMax where spent < Self.budgetNanos || count == 0 {
            let taken = ProcessorClock.nanos(turn)
            if count > 0 || taken >= Self.budgetNanos { best = min(best, taken) }
            spent += taken
        }
        return max(Double(best) / Double(Self.rows), 1)
    }
}
