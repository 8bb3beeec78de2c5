// A decision log scored again with a version of choice: what would it have done?
//
//     line ─► features by name ─► the version's columns ─► score ─► against the logged score and decision
//
// The logged values are those that the version saw which answered, after its rules for ranges and missing values, and
// are scored as they are. By the same version every score is the logged one to the bit, or the log, the bundle or
// this program is not what it says. Lines of fallbacks are left out, as they say nothing about a model's decision.

internal import Codec
public import Configuration
internal import Execution
internal import Inference
internal import JSON
internal import ModelFormat
internal import Primitives
public import Registry

public struct ReplayReport: Sendable, Equatable {
    /// Lines that were scored.
    public var rows = 0
    /// Left out: of another model, of a fallback, or with features that the log has not in clear.
    public var otherModels = 0
    public var fallbacks = 0
    public var unreadable = 0
    /// Why the first of the unreadable ones was.
    public var reason: String?
    /// Scores equal to the bit; of rows that the same version (by its digest) answered, and of them those that were.
    public var equal = 0
    public var ownRows = 0
    public var ownEqual = 0
    /// Decisions that change, by what they become.
    public var flipsToPositive = 0
    public var flipsToNegative = 0
    /// Of the amount feature: all rows, and those whose decision changes.
    public var amount = 0.0
    public var amountToPositive = 0.0
    public var amountToNegative = 0.0
    /// Of the scores' difference.
    public var differenceMax = 0.0
    public var differenceSum = 0.0
    /// Segments whose end is cut off.
    public var cutOff: [String] = []

    public var flips: Int { flipsToPositive + flipsToNegative }
}

public struct Replay: ~Copyable {
    private let bundle: LoadedBundle
    private let codec: ModelCodec
    private let amountColumn: Int?
    private var parser = JSONParser(maxBytes: LineReader.lineBytesMax)
    private var rows: RecordDecoder
    private var report = ReplayReport()
    private var values: GrowableBuffer
    private var narrow: GrowableBuffer
    private var scores: GrowableBuffer
    private var scratch: GrowableBuffer
    private var unused = GrowableBuffer()

    /// - Parameter amount: the feature that says how much money a row is about.
    public init(_ bundle: LoadedBundle, amount: String?) throws(ConfigurationError) {
        self.bundle = bundle
        codec = ModelCodec(
            name: bundle.name, version: bundle.version, platform: bundle.facts.format.rawValue, input: bundle.input,
            output: bundle.output, maxRows: 1)
        amountColumn = amount.flatMap { name in bundle.input.features.firstIndex { $0.name == name } }
        if let amount, amountColumn == nil {
            throw ConfigurationError(
                source: "\(bundle.name)/\(bundle.version)", message: "has no feature \(quoted(amount))")
        }
        rows = RecordDecoder(maxBytes: 64, codec: codec)
        let features = bundle.model.featureCount
        values = GrowableBuffer(capacity: features * 8)
        narrow = GrowableBuffer(capacity: features * 4)
        scores = GrowableBuffer(capacity: bundle.model.outputCount * 8)
        scratch = GrowableBuffer(capacity: bundle.model.scratchByteCount(rows: 1))
    }

    /// Scores all of a log.
    public consuming func run(_ path: String, show: (Int) -> Void) throws -> ReplayReport {
        var reader = try LineReader(path: path)
        try reader.readAll { line, file, number in
            try take(line, file, number)
            if report.rows % 4096 == 0 { show(report.rows) }
        }
        report.cutOff = reader.cutOff
        return report
    }

    private mutating func take(_ line: UnsafeRawBufferPointer, _ file: String, _ number: Int) throws {
        guard let root = try? parser.parse(padded: line), let model = root["model"]?.asString,
            let features = root["features"], let logged = root["score"]?.asArray.map({ Array($0) }),
            let label = root["label"]?.asInt64, let input = root["input"]?.asString
        else { throw ConfigurationError(source: file, line: number, message: "is no line of a decision log") }
        guard model == bundle.name else {
            report.otherModels += 1
            return
        }
        guard root["tier"]?.asString == "full" else {
            report.fallbacks += 1
            return
        }
        let columns = bundle.model.featureCount
        let place = values.pointer.assumingMemoryBound(to: Double.self)
        do throws(RequestError) {
            guard features.asObject?.count == columns else {
                throw .badRequest("a feature is not in the log: it is personal, or the version has others")
            }
            unused.count = 0
            try rows.decode(
                row: features, codec: codec, ignored: [], kept: [], keeping: &unused, into: place)
        } catch {
            report.unreadable += 1
            if report.reason == nil { report.reason = "\(file):\(number): \(error.message)" }
            return
        }
        guard score(isDouble: input == "FP64"), logged.count == bundle.output.columns else {
            report.unreadable += 1
            if report.reason == nil { report.reason = "\(file):\(number): the scores are not comparable" }
            return
        }
        compare(root, logged, label: Int(label), amount: amountColumn.map { place[$0] })
    }

    /// False: it gives no finite score.
    private mutating func score(isDouble: Bool) -> Bool {
        let columns = bundle.model.featureCount
        let wide = values.pointer.assumingMemoryBound(to: Double.self)
        if !isDouble {
            let floats = narrow.pointer.assumingMemoryBound(to: Float.self)
            for column in 0..<columns { floats[column] = Float(wide[column]) }
        }
        var job = ScoringJob(
            values: isDouble ? values.pointer : narrow.pointer, rowCount: 1, valueType: isDouble ? .float64 : .float32,
            margins: nil, scores: scores.pointer)
        let scratch = UnsafeMutableRawBufferPointer(start: scratch.pointer, count: scratch.capacity)
        // SAFETY: the buffers hold a row of the model's features and outputs.
        withUnsafeMutablePointer(to: &job) { job in
            bundle.model.score(UnsafeMutableBufferPointer(start: job, count: 1), scratch: scratch)
        }
        return job.status == .ok
    }

    private mutating func compare(_ line: JSONValue, _ logged: [JSONValue], label: Int, amount: Double?) {
        let isDouble = bundle.output.scoreType == .float64
        var isEqual = true
        var difference = 0.0
        for (column, value) in logged.enumerated() {
            let mine = DecisionLines.number(scores.pointer, column, isDouble)
            // The digits of a float are a float's.
            guard let number = value.asDouble else { continue }
            let theirs = isDouble ? number : Double(Float(number))
            isEqual = isEqual && mine == theirs
            difference = max(difference, abs(mine - theirs))
        }
        report.rows += 1
        if isEqual { report.equal += 1 }
        if line["digest"]?.asString == bundle.sourceDigest.description {
            report.ownRows += 1
            if isEqual { report.ownEqual += 1 }
        }
        report.differenceMax = max(report.differenceMax, difference)
        report.differenceSum += difference
        let money = amount.map { $0.isFinite ? $0 : 0 } ?? 0
        report.amount += money
        let now = DecisionLabel.of(bundle.output) { DecisionLines.number(scores.pointer, $0, isDouble) }
        if now == label { return }
        if now == bundle.output.positive || bundle.output.columns > 1 {
            report.flipsToPositive += 1
            report.amountToPositive += money
        } else {
            report.flipsToNegative += 1
            report.amountToNegative += money
        }
    }
}
