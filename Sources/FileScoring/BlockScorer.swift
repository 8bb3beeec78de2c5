// One thread's way through a block: lines to rows, rows to scores, scores to lines.
//
//     block ─► up to 512 rows of doubles ─► feature rules ─► scores ─► output lines ─► the next 512
//
// A row of 32 columns takes 8 KiB a 32nd of its way through the first-level cache, so nothing is kept longer than 512
// rows. Every row of the input is a row of the output, at the same place: a refused one has no score there.

internal import Codec
internal import Configuration
internal import Execution
internal import Glibc
internal import Inference
internal import Primitives

struct BlockScorer: ~Copyable {
    let task: ScoringTask
    /// The block's lines.
    var input = GrowableBuffer()
    /// The output's lines.
    var output = GrowableBuffer()
    private(set) var rejected: [RejectedRow] = []
    private(set) var rowCount = 0
    private(set) var lineCount = 0
    private(set) var outOfRange = 0

    var line = CSVLine()
    var records: RecordDecoder
    var values: GrowableBuffer
    /// The kept text of the rows at hand, one behind the other.
    var kept = GrowableBuffer()
    var stops: [UInt32]
    var odd: [UInt32]

    /// A row at hand: its place among the values, or -1; where its kept text ends; its line.
    private struct Row {
        var place: Int
        var keptEnd: Int
        var line: Int
        var bytes: Range<Int>
    }
    private var rows: [Row] = []
    /// Rows that have values.
    private var placed = 0
    private var scores = GrowableBuffer()
    private var margins = GrowableBuffer()
    private var scratch = GrowableBuffer()

    init(_ task: ScoringTask) {
        self.task = task
        records = RecordDecoder(maxBytes: FileScoringOptions.lineBytesMax, codec: task.codec)
        values = GrowableBuffer(capacity: ScoringTask.rowsMax * task.model.featureCount * 8)
        let fields = task.layout?.fieldCount ?? 0
        stops = Array(repeating: 0, count: fields + 1)
        odd = Array(repeating: 0, count: fields + 1)
        rows.reserveCapacity(ScoringTask.rowsMax)
        let answers = ScoringTask.rowsMax * task.model.outputCount * task.model.scoreType.byteCount
        scores.reserve(answers)
        margins.reserve(answers)
        scratch.reserve(task.model.scratchByteCount(rows: ScoringTask.rowsMax))
    }

    /// Scores the lines in `input` into `output`; true: it came to the end, false: a row was refused that should end it.
    mutating func run() -> Bool {
        output.count = 0
        rejected.removeAll(keepingCapacity: true)
        (rowCount, lineCount, outOfRange) = (0, 0, 0)
        let hasQuotes = memchr(input.pointer, Int32(UInt8(ascii: "\"")), input.count) != nil
        var at = 0
        while at < input.count {
            // SAFETY: the block ends with a line break.
            let stop = input.pointer.distance(to: memchr(input.pointer + at, 10, input.count - at).unsafelyUnwrapped)
            var end = stop
            if end > at, (input.pointer + end - 1).load(as: UInt8.self) == 13 { end -= 1 }
            if end > at { take(at..<end, hasQuotes: hasQuotes) }
            lineCount += 1
            at = stop + 1
            if rows.count == ScoringTask.rowsMax { flush() }
            if task.options.rejects == nil, !rejected.isEmpty { break }
        }
        flush()
        // The first in the file, whichever rule found it.
        if rejected.count > 1 { rejected.sort { $0.line < $1.line } }
        return task.options.rejects != nil || rejected.isEmpty
    }

    /// One line becomes a row.
    private mutating func take(_ bytes: Range<Int>, hasQuotes: Bool) {
        let text = UnsafeRawBufferPointer(start: input.pointer + bytes.lowerBound, count: bytes.count)
        let keptBefore = kept.count
        let place = values.pointer.assumingMemoryBound(to: Double.self) + placed * task.model.featureCount
        var problem: String?
        if bytes.count > FileScoringOptions.lineBytesMax {
            problem = "is longer than \(FileScoringOptions.lineBytesMax) bytes"
        } else if let layout = task.layout {
            problem = readCSV(text, layout, hasQuotes: hasQuotes, into: place)
        } else {
            problem = readJSON(text, into: place)
        }
        if let problem {
            kept.count = keptBefore
            rejected.append(RejectedRow(line: lineCount, reason: problem, bytes: bytes))
        }
        rows.append(Row(place: problem == nil ? placed : -1, keptEnd: kept.count, line: lineCount, bytes: bytes))
        if problem == nil { placed += 1 }
    }

    /// Scores and writes the rows at hand.
    private mutating func flush() {
        if rows.isEmpty { return }
        if placed > 0 {
            applyPolicies()
            score()
        }
        let encoder = RecordEncoder(scores: scores.pointer, margins: margins.pointer, codec: task.codec)
        var keptStart = 0
        for row in rows {
            let text = UnsafeRawBufferPointer(start: kept.pointer + keptStart, count: row.keptEnd - keptStart)
            keptStart = row.keptEnd
            if task.layout == nil {
                writeJSON(row.place, text, encoder)
            } else {
                writeCSV(row.place, text, encoder)
            }
        }
        rowCount += rows.count
        rows.removeAll(keepingCapacity: true)
        placed = 0
        kept.count = 0
    }

    /// The row at that place of the values has no score.
    private mutating func refuse(place: Int, _ reason: String) {
        // Places ascend with the rows, except for the -1 of those refused before.
        guard let index = rows.firstIndex(where: { $0.place == place }) else { return }
        rows[index].place = -1
        rejected.append(RejectedRow(line: rows[index].line, reason: reason, bytes: rows[index].bytes))
    }

    private mutating func applyPolicies() {
        var first = 0
        let columns = task.model.featureCount
        while first < placed {
            let refused = RecordDecoder.applyPolicies(
                to: values.pointer.assumingMemoryBound(to: Double.self) + first * columns, rows: placed - first,
                codec: task.codec, outOfRange: &outOfRange)
            guard let refused else { return }
            refuse(place: first + refused.row, refused.reason)
            first += refused.row + 1
        }
    }

    private mutating func score() {
        if score(0..<placed) == .ok { return }
        // Some row has no finite score: each by itself says which.
        for place in 0..<placed where score(place..<place + 1) != .ok {
            refuse(place: place, "the model gives no finite score")
        }
    }

    private mutating func score(_ places: Range<Int>) -> ScoringStatus {
        let stride = task.model.outputCount * task.model.scoreType.byteCount
        let wantsMargins = task.options.outputs.contains(.margin)
        var job = ScoringJob(
            values: values.pointer + places.lowerBound * task.model.featureCount * 8, rowCount: places.count,
            valueType: .float64, margins: wantsMargins ? margins.pointer + places.lowerBound * stride : nil,
            scores: scores.pointer + places.lowerBound * stride)
        let scratch = UnsafeMutableRawBufferPointer(start: scratch.pointer, count: scratch.capacity)
        // SAFETY: the buffers hold rowsMax rows of the model's features and outputs.
        withUnsafeMutablePointer(to: &job) { job in
            task.model.score(UnsafeMutableBufferPointer(start: job, count: 1), scratch: scratch)
        }
        return job.status
    }
}
