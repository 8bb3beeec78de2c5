// The compiled model against its golden rows.
//
// Rows of one width are scored together, as one batch, so 1,024 rows take a few milliseconds.
//
// Margins agree bit for bit where the model's sums have one order (`CompiledModel.isExact`: forests, and
// steps around them).  Dense layers are summed in another order on every processor, and their
// activations approximated: there margins and scores agree within 1e-6, relative or of 1.

internal import Configuration
internal import Execution
internal import Inference

struct GoldenCheck {
    let rows: [GoldenRow]
    let features: [FeatureSpec]
    let model: CompiledModel
    /// The file's name in errors.
    let source: String

    /// Throws at the first row whose answer differs.
    func run() throws(ConfigurationError) {
        for (index, row) in rows.enumerated() { try refuseShape(row, line: index + 1) }
        var first: ConfigurationError?
        for type in [ValueType.float32, .float64] {
            let chosen = rows.indices.filter { rows[$0].inputType == type }
            do throws(ConfigurationError) { try compare(chosen, type) } catch {
                if error.line ?? 0 < first?.line ?? .max { first = error }
            }
        }
        if let first { throw first }
    }

    private func refuseShape(_ row: GoldenRow, line: Int) throws(ConfigurationError) {
        let expectations = [
            ("row", row.cells.count, features.count), ("margin", row.margins.count, model.outputCount),
            ("score", row.scores.count, model.outputCount),
        ]
        for (key, count, expected) in expectations where count != expected {
            throw ConfigurationError(
                source: source, line: line, keyPath: key, message: "has \(count) values, expected \(expected)")
        }
    }

    /// Scores the rows at `indices`, all of one width, and compares.
    private func compare(_ indices: [Int], _ type: ValueType) throws(ConfigurationError) {
        if indices.isEmpty { return }
        let answers = AlignedBytes(count: indices.count * model.outputCount * model.scoreType.byteCount * 2)
        let values = AlignedBytes(count: indices.count * features.count * type.byteCount)
        for (place, index) in indices.enumerated() {
            for (column, cell) in rows[index].cells.enumerated() {
                let value = try number(of: cell, line: index + 1, column: column)
                values.store(value, at: place * features.count + column, as: type)
            }
        }
        try applyPolicies(to: values, of: indices, type)
        let scoresAt = answers.pointer + indices.count * model.outputCount * model.scoreType.byteCount
        score(values, count: indices.count, type: type, margins: answers.pointer, scores: scoresAt)
        for (place, index) in indices.enumerated() {
            for column in 0..<model.outputCount {
                try compare(
                    rows[index], line: index + 1, column: column,
                    margin: answers.pointer + (place * model.outputCount + column) * model.scoreType.byteCount,
                    score: scoresAt + (place * model.outputCount + column) * model.scoreType.byteCount)
            }
        }
    }

    private func score(
        _ values: borrowing AlignedBytes, count: Int, type: ValueType, margins: UnsafeMutableRawPointer,
        scores: UnsafeMutableRawPointer
    ) {
        let scratch = AlignedBytes(count: model.scratchByteCount(rows: count))
        var job = ScoringJob(
            values: values.pointer, rowCount: count, valueType: type, margins: margins, scores: scores)
        // SAFETY: the buffers hold `count` rows of the model's features and outputs in their types.
        withUnsafeMutablePointer(to: &job) { job in
            model.score(UnsafeMutableBufferPointer(start: job, count: 1), scratch: scratch.buffer)
        }
    }

    /// The scores of one row.
    func score(_ values: borrowing AlignedBytes, type: ValueType) -> [Double] {
        let (size, count) = (model.scoreType.byteCount, model.outputCount)
        let answers = AlignedBytes(count: 2 * count * size)
        score(values, count: 1, type: type, margins: answers.pointer, scores: answers.pointer + count * size)
        return (count..<2 * count).map { Answer(loading: answers.pointer + $0 * size, as: model.scoreType).value }
    }

    static func agree(_ score: Double, _ wanted: Double, as type: ValueType, isExact: Bool) -> Bool {
        let (got, wanted) = (Answer(score, as: type), Answer(wanted, as: type))
        guard got.isFinite else { return false }
        return isExact ? got.steps(to: wanted) <= 1 : got.isClose(to: wanted)
    }

    private func compare(
        _ row: GoldenRow, line: Int, column: Int, margin: UnsafeRawPointer, score: UnsafeRawPointer
    ) throws(ConfigurationError) {
        let type = model.scoreType
        let wantedMargin = Answer(row.margins[column], as: type)
        let wantedScore = Answer(row.scores[column], as: type)
        let (gotMargin, gotScore) = (Answer(loading: margin, as: type), Answer(loading: score, as: type))
        guard model.isExact else {
            for (key, got, wanted) in [("margin", gotMargin, wantedMargin), ("score", gotScore, wantedScore)]
            where !got.isClose(to: wanted) {
                throw differs(
                    line, "\(key)[\(column)]", got: got, wanted: wanted,
                    "within 1e-6, because the model has dense layers")
            }
            return
        }
        guard gotMargin.bits == wantedMargin.bits else {
            throw differs(line, "margin[\(column)]", got: gotMargin, wanted: wantedMargin, "bit for bit")
        }
        guard gotScore.isFinite, gotScore.steps(to: wantedScore) <= 1 else {
            throw differs(
                line, "score[\(column)]", got: gotScore, wanted: wantedScore, "within one unit in the last place")
        }
    }

    private func differs(
        _ line: Int, _ keyPath: String, got: Answer, wanted: Answer, _ how: String
    ) -> ConfigurationError {
        ConfigurationError(
            source: source, line: line, keyPath: keyPath,
            message: "the model gives \(got.text), the golden row says \(wanted.text); they must agree \(how)")
    }
}

/// A score or a margin in the model's own width.
private struct Answer {
    let bits: UInt64
    let type: ValueType

    init(_ value: Double, as type: ValueType) {
        self.type = type
        bits = type == .float32 ? UInt64(Float(value).bitPattern) : value.bitPattern
    }

    init(loading pointer: UnsafeRawPointer, as type: ValueType) {
        self.type = type
        // SAFETY: the caller points at a value of this type.
        bits = type == .float32 ? UInt64(pointer.load(as: UInt32.self)) : pointer.load(as: UInt64.self)
    }

    var isFinite: Bool {
        type == .float32 ? Float(bitPattern: UInt32(bits)).isFinite : Double(bitPattern: bits).isFinite
    }

    var text: String {
        type == .float32 ? "\(Float(bitPattern: UInt32(bits)))" : "\(Double(bitPattern: bits))"
    }

    /// Within 1e-6 of a value near 1 or below, relative above.
    func isClose(to other: Answer) -> Bool {
        let difference = abs(value - other.value)
        return difference <= 1e-6 * max(1, abs(other.value))
    }

    var value: Double {
        type == .float32 ? Double(Float(bitPattern: UInt32(bits))) : Double(bitPattern: bits)
    }

    /// Units in the last place between two finite values.
    func steps(to other: Answer) -> UInt64 {
        let (mine, theirs) = (ordered, other.ordered)
        return mine > theirs ? mine - theirs : theirs - mine
    }

    /// Ascending with the value: negative numbers mirrored below the positive ones, both zeros equal.
    private var ordered: UInt64 {
        let sign: UInt64 = type == .float32 ? 1 << 31 : 1 << 63
        return bits & sign == 0 ? (1 << 63) + bits : (1 << 63) - (bits ^ sign)
    }
}
