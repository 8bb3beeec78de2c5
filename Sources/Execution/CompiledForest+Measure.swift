// What the kernels cost here: measured once, when the forest is loaded, on rows made for it.

internal import CKernels

extension CompiledForest {
    /// Different rows that are made; more repeat them.
    private static let distinctRows = 64

    /// Tries the blocks of bit slices against single rows.
    func measureBlocks() {
        let count = Int(view.pointee.rows_max)
        guard view.pointee.slices.segment_count > 0, count > 1 else { return }
        let values = UnsafeMutableBufferPointer<Double>.allocate(capacity: Self.distinctRows * featureCount)
        let rows = UnsafeMutableBufferPointer<serin_row>.allocate(capacity: count)
        let scratch = UnsafeMutableRawBufferPointer.allocate(
            byteCount: serin_scratch_bytes(view, count), alignment: 64)
        defer {
            values.deallocate()
            rows.deallocate()
            scratch.deallocate()
        }
        // Numbers of all sizes and both signs, and some that are missing.
        for index in values.indices {
            let place = Double(index % 101) - 50
            values[index] = index % 29 == 0 ? .nan : place * place * place / 1_000
        }
        for index in rows.indices {
            var row = serin_row()
            row.values = UnsafeRawPointer(values.baseAddress! + index % Self.distinctRows * featureCount)
            row.value_width = UInt32(SERIN_FLOAT64)
            rows.initializeElement(at: index, to: row)
        }
        serin_measure_blocks(view, rows.baseAddress!, scratch.baseAddress!)
    }
}
