// Which kernels a forest gets, and what a row costs: measured when the forest is loaded.
//
// Rows are made up from the forest's own thresholds, so that every value falls among them: four in a
// hundred are missing, a category is one of its codes.  Each set of kernels scores them for a sixth of
// a millisecond, one row at a time; the fastest round counts, as everything that disturbs a
// measurement makes it longer.  Of two sets the one with the wider registers is kept unless the other
// is faster by a tenth, so that noise does not change a choice that hardly matters.

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

    private static let rowCount = 16
    private static let batch = Int(SERIN_ROWS_MAX)
    private static let budgetNanos = 160_000
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
        rows = .allocate(capacity: Self.batch)
        for index in 0..<Self.batch {
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
            serin_lay_out(view, level)
            // What the forest's layout does not fit is not offered.
            level = view.pointee.kernels.pointee.level
            let nanos = nanosPerRow(batch: 1)
            if best.map({ nanos < $0.nanos * Self.margin }) ?? true { best = (level, nanos) }
            if level == UInt32(SERIN_LEVEL_SCALAR) { break }
            level -= 1
        }
        serin_lay_out(view, best!.level)
        return Result(
            kernels: KernelSet(level: best!.level), nanosPerRow: best!.nanos,
            nanosPerBatchedRow: nanosPerRow(batch: Self.batch))
    }

    /// The fastest round of as many as the budget allows, at least one.
    private func nanosPerRow(batch: Int) -> Double {
        let rowScratch = serin_scratch_bytes(view)
        // A batch of rows with very many slots would need much memory: fewer will tell as much.
        let batch = max(1, min(batch, (4 << 20) / rowScratch))
        let scratch = UnsafeMutableRawPointer.allocate(byteCount: rowScratch * batch + 64, alignment: 64)
        defer { scratch.deallocate() }
        serin_score(view, rows.baseAddress!, batch, scratch)
        let start = Self.now()
        var best = Double.infinity
        for _ in 0..<Self.mostRounds {
            let first = Self.now()
            var scored = 0
            while scored < max(Self.rowCount, batch), Self.now() - first < Self.budgetNanos {
                serin_score(view, rows.baseAddress! + scored % Self.batch, batch, scratch)
                scored += batch
            }
            let end = Self.now()
            best = min(best, Double(end - first) / Double(scored))
            if end - start >= Self.budgetNanos { break }
        }
        return best
    }

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
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
                    put(next() % 25 == 0 ? .nan : number(place), row, slot.feature)
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
