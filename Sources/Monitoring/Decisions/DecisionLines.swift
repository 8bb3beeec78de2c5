// Records to lines.
//
//     {"id":"7f…","row":0,"time":"2026-11-21T20:15:03.123456Z","model":"fraud","version":"1","digest":"cc8b…",
//      "arm":"stable","tier":"full","latency_us":43,"input":"FP32","features":{"amount":12.5,"country":"DE",…},
//      "score":[0.0159],"label":0}
//
// Numbers have the shortest digits that read back as the same float or double, so a line is scored again to the bit.

internal import Glibc
internal import Inference
internal import JSON
public import Primitives

public struct DecisionLines: ~Copyable {
    private let hash: SipHash
    /// Of each schema: its line up to `"arm":`, and `"name":` of each feature.
    private var prepared: [UInt64: Prepared] = [:]

    private struct Prepared {
        var schema: DecisionSchema
        var head: [UInt8]
        var names: [[UInt8]]
        var categories: [[[UInt8]]]
    }

    /// `key`: of the hashes.
    public init(key: SipHash) { hash = key }

    public mutating func learn(_ schema: DecisionSchema) {
        let head =
            ",\"model\":\(Self.quoted(schema.model)),\"version\":\(Self.quoted(schema.version)),"
            + "\"digest\":\"\(schema.digest)\",\"arm\":"
        prepared[schema.serial] = Prepared(
            schema: schema, head: Array(head.utf8),
            names: schema.features.map { Array("\(Self.quoted($0.name)):".utf8) },
            categories: schema.features.map { $0.categories.map { Array(Self.quoted($0).utf8) } })
    }

    static func quoted(_ text: String) -> String {
        let utf8 = Array(text.utf8)
        var out = [UInt8](repeating: 0, count: JSONWriter.escapedBytesMax * utf8.count + 2)
        let count = utf8.withUnsafeBytes { text in
            out.withUnsafeMutableBytes { JSONWriter.write(string: text, to: $0.baseAddress.unsafelyUnwrapped) }
        }
        return String(decoding: out[..<count], as: UTF8.self)
    }

    /// Appends a record's line; false: its schema is not known. `clockOffset`: from the gateway's clock to 1970's.
    public func append(_ record: UnsafeRawPointer, clockOffset: Int64, to text: inout GrowableBuffer) -> Bool {
        let head = record.load(as: DecisionHead.self)
        guard let known = prepared[head.schema] else { return false }
        let valuesAt = record + MemoryLayout<DecisionHead>.stride
        let valueBytes = known.schema.features.count * (head.isDouble ? 8 : 4)
        let scoresAt = valuesAt + (valueBytes + 7) & ~7
        text.append("{\"id\":\"")
        Self.append(hex: head.id.high, digits: 16, &text)
        Self.append(hex: UInt64(head.id.low), digits: 8, &text)
        text.append("\",\"row\":")
        Self.append(Int(head.row), &text)
        text.append(",\"time\":\"")
        Self.append(time: Int64(bitPattern: head.nanos) + clockOffset, &text)
        text.append("\"")
        known.head.withUnsafeBytes { text.append($0) }
        appendArm(head, &text)
        text.append(head.isFallback ? ",\"tier\":\"fallback\"" : ",\"tier\":\"full\"")
        text.append(",\"latency_us\":")
        Self.append(Int(head.latencyNanos / 1000), &text)
        text.append(head.isDouble ? ",\"input\":\"FP64\",\"features\":{" : ",\"input\":\"FP32\",\"features\":{")
        appendFeatures(known, valuesAt, head.isDouble, &text)
        text.append("},\"score\":[")
        appendScores(known.schema.output, scoresAt, &text)
        text.append("],\"label\":")
        Self.append(label(head, known.schema.output, scoresAt), &text)
        text.append("}\n")
        return true
    }

    private func appendArm(_ head: DecisionHead, _ text: inout GrowableBuffer) {
        withUnsafeBytes(of: head.arm) { name in
            text.reserve(text.count + JSONWriter.escapedBytesMax * name.count + 2)
            let arm = UnsafeRawBufferPointer(rebasing: name[..<Int(head.armCount)])
            text.count += JSONWriter.write(string: arm, to: text.pointer + text.count)
        }
    }

    private func appendFeatures(
        _ known: Prepared, _ values: UnsafeRawPointer, _ isDouble: Bool, _ text: inout GrowableBuffer
    ) {
        var isFirst = true
        for (index, feature) in known.schema.features.enumerated() {
            if feature.pii, known.schema.personal == .drop { continue }
            if !isFirst { text.append(",") }
            isFirst = false
            known.names[index].withUnsafeBytes { text.append($0) }
            let value = Self.number(values, index, isDouble)
            if feature.pii {
                append(hashOf: value, of: index, known, &text)
            } else if feature.kind == .category, value >= 0, value < Double(feature.categories.count),
                value == value.rounded()
            {
                known.categories[index][Int(value)].withUnsafeBytes { text.append($0) }
            } else {
                Self.append(value, isDouble, &text)
            }
        }
    }

    /// `"#` and 16 digits, keyed, and apart for each feature.
    private func append(hashOf value: Double, of index: Int, _ known: Prepared, _ text: inout GrowableBuffer) {
        if value.isNaN { return text.append("null") }
        var bytes = known.names[index]
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        text.append("\"#")
        Self.append(hex: bytes.withUnsafeBytes { hash.hash($0) }, digits: 16, &text)
        text.append("\"")
    }

    private func appendScores(_ output: ModelOutput, _ scores: UnsafeRawPointer, _ text: inout GrowableBuffer) {
        for column in 0..<output.columns {
            if column > 0 { text.append(",") }
            Self.append(Self.number(scores, column, output.scoreType == .float64), output.scoreType == .float64, &text)
        }
    }

    private func label(_ head: DecisionHead, _ output: ModelOutput, _ scores: UnsafeRawPointer) -> Int {
        if head.fixedLabel >= 0 { return Int(head.fixedLabel) }
        return DecisionLabel.of(output) { Self.number(scores, $0, output.scoreType == .float64) }
    }

    // MARK: Values

    static func number(_ values: UnsafeRawPointer, _ index: Int, _ isDouble: Bool) -> Double {
        isDouble
            ? values.loadUnaligned(fromByteOffset: 8 * index, as: Double.self)
            : Double(values.loadUnaligned(fromByteOffset: 4 * index, as: Float.self))
    }

    private static func append(_ value: Double, _ isDouble: Bool, _ text: inout GrowableBuffer) {
        // JSON has no infinity: a string, which a replay does not take for a number.
        if value.isInfinite { return text.append(value < 0 ? "\"-Infinity\"" : "\"Infinity\"") }
        text.reserve(text.count + JSONWriter.numberBytesMax)
        let place = text.pointer + text.count
        text.count += isDouble ? JSONWriter.write(value, to: place) : JSONWriter.write(Float(value), to: place)
    }

    private static func append(_ number: Int, _ text: inout GrowableBuffer) {
        text.reserve(text.count + JSONWriter.numberBytesMax)
        text.count += JSONWriter.write(number, to: text.pointer + text.count)
    }

    private static func append(hex number: UInt64, digits: Int, _ text: inout GrowableBuffer) {
        for shift in stride(from: 4 * (digits - 1), through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift)) & 15
            text.append(byte: digit < 10 ? 48 + digit : 87 + digit)
        }
    }

    /// `2026-11-21T20:15:03.123456Z`
    private static func append(time nanos: Int64, _ text: inout GrowableBuffer) {
        var seconds = time_t(nanos / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let fields = [
            (Int(parts.tm_year) + 1900, 4, "-"), (Int(parts.tm_mon) + 1, 2, "-"), (Int(parts.tm_mday), 2, "T"),
            (Int(parts.tm_hour), 2, ":"), (Int(parts.tm_min), 2, ":"), (Int(parts.tm_sec), 2, "."),
            (Int(nanos % 1_000_000_000 / 1000), 6, "Z"),
        ]
        for (number, digits, separator) in fields {
            var divisor = 1
            for _ in 1..<digits { divisor *= 10 }
            while divisor > 0 {
                text.append(byte: 48 + UInt8(truncatingIfNeeded: number / divisor % 10))
                divisor /= 10
            }
            text.append(string: separator)
        }
    }
}

/// The decision that scores say, as answers have it.
enum DecisionLabel {
    /// Arg max (the first of equals), or for one column the side of the threshold, which a float score is compared
    /// with as a float.
    static func of(_ output: ModelOutput, _ score: (Int) -> Double) -> Int {
        guard output.columns == 1 else {
            var best = 0
            for column in 1..<output.columns where score(column) > score(best) { best = column }
            return best
        }
        let threshold = output.scoreType == .float32 ? Double(Float(output.threshold)) : output.threshold
        return score(0) >= threshold ? output.positive : output.positive == 0 ? 1 : 0
    }
}
