// Which kernels a forest gets, and what a row costs: measured when the forest is loaded.
//
// Rows are made up from the forest's own thresholds, so that every value falls among them: four in a
// hundred are missing, a category is one of its codes.  Each set of kernels scores them for a sixth of
// a millisecond of processor time, one row at a time; the fastest round counts, as everything that
// disturbs a measurement makes it longer.  Of two sets the one with the wider registers is kept unless
// the other is faster by a tenth, so that noise does not change a choice that hardly matters.

internal import CKernels
internal import Glibc

struct KernelChoice {
    /// What was chosen and what it takes.
    struct Result {
        var kernels: KernelSet
        /// Nanoseconds of a row that is scored alone, and of one among 64.
        var nanosPerRow: Double
        var nanosPerBatchedRow: Double
    }

    /// Different rows; more repeat them.
    private static let rowCount = 16
    private static let batch = 64
    private static let budgetNanos: UInt64 = 160_000
    private static let mostRounds = 8
    /// A lower level must be this much faster.
    private static let margin = 0.9

    private let view: UnsafeMutablePointer<serin_forest>
    private let header: serin_image_header
    private let values: UnsafeMutableRawBufferPointer
    private let outputs: UnsafeMutableRawBufferPointer
    private let rows: UnsafeMutableBufferPointer<serin_row>

    /// Lays `view` out for the best of the sets up to `limit`.
    static func choose(_ view: UnsafeMutablePointer<serin_forest>, limit: KernelSet) -> Result {
        serin_lay_out(view, limit.level)
        let choice = KernelChoice(view)
        defer { choice.free() }
        return choice.result(limit)
    }

    private init(_ view: UnsafeMutablePointer<serin_forest>) {
        self.view = view
        header = view.pointee.header.pointee
        let rowBytes = Int(header.feature_count) * (header.value_width == UInt32(SERIN_FLOAT32) ? 4 : 8)
        values = .allocate(byteCount: rowBytes * Self.rowCount, alignment: 64)
        outputs = .allocate(byteCount: 2 * 8 * Int(header.output_count), alignment: 64)
        rows = .allocate(capacity: max(Self.rowCount, Int(view.pointee.rows_max)))
        for index in rows.indices {
            rows.initializeElement(
                at: index,
                to: serin_row(
                    values: values.baseAddress! + index % Self.rowCount * rowBytes, margins: outputs.baseAddress!,
                    scores: outputs.baseAddress! + outputs.count / 2, value_width: header.value_width, non_finite: 0,
                    owner: 0))
        }
        fill()
    }

    private func free() {
        values.deallocate()
        outputs.deallocate()
        rows.deallocate()
    }

    private func result(_ limit: KernelSet) -> Result {
        var best: (level: UInt32, nanos: Double)?
        var level = limit.level
        while true {
            serin_use_kernels(view, level)
            // What the forest's layout does not fit is not offered.
            level = view.pointee.kernels.pointee.level
            let nanos = nanosPerRow(batch: 1)
            if best.map({ nanos < $0.nanos * Self.margin }) ?? true { best = (level, nanos) }
            if level == UInt32(SERIN_LEVEL_SCALAR) { break }
            level -= 1
        }
        serin_use_kernels(view, best!.level)
        measureBlocks()
        return Result(
            kernels: KernelSet(level: best!.level), nanosPerRow: best!.nanos,
            nanosPerBatchedRow: nanosPerRow(batch: min(Self.batch, Int(view.pointee.rows_max))))
    }

    /// From how many rows on blocks of bit slices win.
    private func measureBlocks() {
        let most = Int(view.pointee.rows_max)
        guard view.pointee.slices.segment_count > 0, most > 1 else { return }
        let scratch = UnsafeMutableRawPointer.allocate(byteCount: serin_scratch_bytes(view, most), alignment: 64)
        defer { scratch.deallocate() }
        serin_measure_blocks(view, rows.baseAddress!, scratch)
    }

    /// The fastest round of as many as the budget allows, at least one.
    private func nanosPerRow(batch: Int) -> Double {
        let scratch = UnsafeMutableRawPointer.allocate(byteCount: serin_scratch_bytes(view, batch), alignment: 64)
        defer { scratch.deallocate() }
        func score(_ row: Int) { serin_score(view, rows.baseAddress! + row, batch, scratch) }
        score(0)
        let once = ProcessorClock.nanos { score(0) }
        // Rows of a round: all the different ones, fewer if they are slow.
        let calls = batch > 1 ? 1 : max(1, min(Self.rowCount, Int(Self.budgetNanos / max(once, 1))))
        var (best, spent) = (Double.infinity, UInt64(0))
        for _ in 0..<Self.mostRounds where spent < Self.budgetNanos {
            let taken = ProcessorClock.nanos { for row in 0..<calls { score(row) } }
            best = min(best, Double(taken) / Double(calls * batch))
            spent += taken
        }
        return best
    }
}

// Rows spread over the forest's thresholds.
extension KernelChoice {
    private func fill() {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func next() -> Int {
            // xorshift64: the same rows on every machine.
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state >> 33)
        }
        memset(values.baseAddress!, 0, values.count)
        for row in 0..<Self.rowCount {
            for quad in 0..<Int(header.quads.count) {
                let quad = view.pointee.quads[quad]
                for slot in [quad.slots.0, quad.slots.1, quad.slots.2, quad.slots.3] {
                    let place = Int(slot.table) + 1 + next() % (1 << Int(quad.levels) - 1)
                    // Beside the threshold: doubles that round to the same float as one are rare, and slower.
                    put(next() % 25 == 0 ? .nan : number(place) * 1.000_1, row, slot.feature)
                }
            }
            for index in 0..<Int(header.category_columns.count) {
                let column = view.pointee.category_columns[index]
                put(Double(next() % Int(column.code_count)), row, column.feature)
            }
        }
    }

    /// The number that a key of the search tables stands for; those behind the last are NaN.
    private func number(_ place: Int) -> Double {
        if header.value_width == UInt32(SERIN_FLOAT32) {
            let key = view.pointee.keys.load(fromByteOffset: 4 * place, as: UInt32.self)
            return Double(Float(bitPattern: key >> 31 == 1 ? key ^ 1 << 31 : ~key))
        }
        let key = view.pointee.keys.load(fromByteOffset: 8 * place, as: UInt64.self)
        return Double(bitPattern: key >> 63 == 1 ? key ^ 1 << 63 : ~key)
    }

    private func put(_ value: Double, _ row: Int, _ feature: UInt32) {
        let place = row * Int(header.feature_count) + Int(feature)
        if header.value_width == UInt32(SERIN_FLOAT32) {
            values.storeBytes(of: Float(value), toByteOffset: 4 * place, as: Float.self)
        } else {
            values.storeBytes(of: value, toByteOffset: 8 * place, as: Double.self)
        }
    }
}
