// Own kernel or library: measured for each layer when its model is loaded, not guessed.
//
//     64 rows: library faster by a tenth? ──no──► own kernel always
//                     │ yes
//     32, 16, 8 rows: as long as it still is ──► from that many rows on, the library
//
// On a Zen 4 the kernels here run at 96% of what its multipliers can do and OpenBLAS 0.3.21 at 86%, so
// the library stays unused there; without AVX they are within a tenth of each other.  A trial stops as
// soon as it has taken a few milliseconds.

internal import CKernels

struct LibraryTrial {
    /// Layers with fewer weights finish in a microsecond or two; the call alone would cost as much.
    private static let weightsMin = 4_096
    /// The library must be faster by a tenth: its bits differ from the kernel's.
    private static let advantage = 1.1
    private static let budgetNanos: UInt64 = 4_000_000

    let program: UnsafePointer<serin_program>
    let rowsMax: Int

    static func isWorthwhile(_ stage: serin_stage_view) -> Bool {
        guard stage.kind == UInt32(SERIN_STAGE_DENSE) else { return false }
        let (inputs, outputs) = (Int(stage.input.pointee.columns), Int(stage.output.pointee.columns))
        return outputs >= Int(SERIN_DENSE_NARROW) && inputs * outputs >= weightsMin
    }

    /// Decides for one layer: sets its `blas_weights` (to be freed by the caller) and `blas_rows`.
    func decide(_ stage: inout serin_stage_view) {
        let (inputs, outputs) = (Int(stage.input.pointee.columns), Int(stage.output.pointee.columns))
        let number = stage.width == UInt32(SERIN_FLOAT32) ? 4 : 8
        let weights = ImageMemory(count: inputs * outputs * number)
        serin_dense_unpack(stage.width, inputs, outputs, stage.parameters.0, weights.start)
        stage.blas_weights = UnsafeRawPointer(weights.start)
        // Zeros would take the kernel's path for sparse rows; ones do not.
        let x = Self.ones(rowsMax * inputs, stage.width)
        let y = ImageMemory(count: rowsMax * outputs * number)
        var rows = rowsMax
        var crossover: Int?
        while rows >= 8, isLibraryFaster(stage, x.start, y.start, rows) {
            crossover = rows
            rows /= 2
        }
        if let crossover {
            stage.blas_rows = crossover
            _ = weights.release()
        } else {
            stage.blas_weights = nil
        }
    }

    private static func ones(_ count: Int, _ width: UInt32) -> ImageMemory {
        let memory = ImageMemory(count: count * (width == UInt32(SERIN_FLOAT32) ? 4 : 8))
        for place in 0..<count {
            if width == UInt32(SERIN_FLOAT32) {
                memory.start.storeBytes(of: 1, toByteOffset: place * 4, as: Float.self)
            } else {
                memory.start.storeBytes(of: 1, toByteOffset: place * 8, as: Double.self)
            }
        }
        return memory
    }

    /// The best of a few turns each, taken in turn so that a busy machine disturbs both.
    private func isLibraryFaster(
        _ stage: serin_stage_view, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ rows: Int
    ) -> Bool {
        var stage = stage
        var (own, library) = (UInt64.max, UInt64.max)
        let start = ProcessorClock.nanos()
        for _ in 0..<8 {
            own = min(own, ProcessorClock.nanos { program.pointee.kernels.pointee.run(&stage, x, y, rows) })
            library = min(library, ProcessorClock.nanos { serin_dense_blas(program, &stage, x, y, rows) })
            if ProcessorClock.nanos() - start > Self.budgetNanos { break }
        }
        return Double(library) * Self.advantage < Double(own)
    }
}
