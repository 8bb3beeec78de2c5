// What a row costs here and now: measured on this machine when the model is loaded.
//
// A forest measures itself while it chooses its kernels (KernelChoice); a pipeline is measured here, with
// rows of fixed pseudo-random numbers, so that two loads measure the same; the best of some turns, for a
// loaded machine can only make a turn longer.  Half a millisecond in all, of processor time.

internal import Inference

/// Nanoseconds of processor time for a row.
public struct ScoringCost: Sendable, Equatable {
    /// Scored by itself.
    public var nanosAlone: Double
    /// In a batch of 64.
    public var nanosInBatch: Double
}

extension ScoringCost {
    private static let batchRows = 64
    private static let turnsMax = 20
    private static let budgetNanos: UInt64 = 400_000
    /// A turn of less is repeated within itself: the clock takes time too.
    private static let turnNanos: UInt64 = 10_000

    init(featureCount: Int, outputCount: Int, scoreBytes: Int, scratchBytes: Int, score: Scorer) {
        let rows = min(Self.batchRows, max(1, (4 << 20) / (featureCount * 4)))
        let values = ImageMemory(count: rows * featureCount * 4)
        let scores = ImageMemory(count: rows * outputCount * scoreBytes)
        let scratch = ImageMemory(count: scratchBytes)
        var state: UInt32 = 1
        for place in 0..<rows * featureCount {
            // Numerical Recipes' generator; the upper bits, between -2 and 2.
            state = state &* 1_664_525 &+ 1_013_904_223
            let value = Float(state >> 8) / Float(1 << 22) - 2
            values.start.storeBytes(of: value, toByteOffset: place * 4, as: Float.self)
        }
        let (from, to) = (UnsafeRawPointer(values.start), scores.start)
        let room = UnsafeMutableRawBufferPointer(start: scratch.start, count: scratchBytes)
        func turn(_ count: Int, from first: Int) {
            var job = ScoringJob(
                values: from + first * featureCount * 4, rowCount: count, valueType: .float32, margins: nil, scores: to)
            withUnsafeMutablePointer(to: &job) { score(UnsafeMutableBufferPointer(start: $0, count: 1), room) }
        }
        nanosInBatch = Self.best { turn(rows, from: 0) } / Double(rows)
        // Eight different rows a turn: one alone would be learnt by heart by the branch predictor.
        let some = min(8, rows)
        nanosAlone = Self.best { for row in 0..<some { turn(1, from: row) } } / Double(some)
    }

    typealias Scorer = (UnsafeMutableBufferPointer<ScoringJob>, UnsafeMutableRawBufferPointer) -> Void

    /// The shortest turn, in nanoseconds.
    private static func best(_ turn: () -> Void) -> Double {
        // The first turn brings the image into the caches, the second tells how long one takes.
        turn()
        let first = ProcessorClock.nanos(turn)
        let repeats = max(1, min(turnNanos / max(first, 1), turnNanos / 10))
        var (best, spent) = (Double(first), first)
        for _ in 0..<turnsMax where spent < budgetNanos {
            let taken = ProcessorClock.nanos { for _ in 0..<repeats { turn() } }
            best = min(best, Double(taken) / Double(repeats))
            spent += taken
        }
        return best
    }
}
