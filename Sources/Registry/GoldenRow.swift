// golden.ndjson: rows with the trainer's own answers, one JSON object a line.
//
//     {"row":[12.5,null,"DE"],"input":"FP32","margin":[-4.12],"score":[0.0159]}
//
// A bundle does not go live unless its model gives these answers.  Margins must be the same bits,
// because sums are exact arithmetic in a fixed order; scores may differ by one unit in the last
// place, because exp() is not the same in every C library.  A model with dense layers has no fixed
// order of sums: its margins and scores must agree within 1e-6.

public import Configuration
public import Inference
internal import JSON

public struct GoldenRow: Sendable, Equatable {
    public static let fileName = "golden.ndjson"
    /// Fewer say little about a model, more cost time at every start.
    public static let countRange = 64...1024
    static let bytesMax = 64 << 20

    public enum Cell: Sendable, Equatable {
        case number(Double)
        case missing
        /// A category by its name in the manifest.
        case category(String)
    }

    /// In the manifest's order.
    public var cells: [Cell]
    /// FP32: every number is a float32, written in digits that give it back.
    public var inputType: ValueType
    /// One for each column of the score, before the objective's transform.
    public var margins: [Double]
    public var scores: [Double]

    public init(cells: [Cell], inputType: ValueType, margins: [Double], scores: [Double]) {
        (self.cells, self.inputType, self.margins, self.scores) = (cells, inputType, margins, scores)
    }

    /// Reads a whole file.
    /// - Parameter source: the file's name in errors.
    public static func parse(_ bytes: [UInt8], source: String) throws(ConfigurationError) -> [GoldenRow] {
        guard bytes.count <= bytesMax else {
            throw ConfigurationError(source: source, message: "has more than \(bytesMax) bytes")
        }
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard countRange.contains(lines.count) else {
            throw ConfigurationError(
                source: source,
                message: "has \(lines.count) lines, expected \(countRange.lowerBound) to \(countRange.upperBound)")
        }
        var parser = JSONParser(maxBytes: bytes.count)
        var rows: [GoldenRow] = []
        rows.reserveCapacity(lines.count)
        for (index, line) in lines.enumerated() {
            rows.append(try parse(line, parser: &parser, place: JSONPlace(source: source, line: index + 1)))
        }
        return rows
    }

    private static func parse(
        _ line: ArraySlice<UInt8>, parser: inout JSONParser, place: JSONPlace
    ) throws(ConfigurationError) -> GoldenRow {
        let root: JSONValue
        do { root = try parser.parse(copying: Array(line)) } catch {
            throw place.error("is not JSON at byte \(error.offset): \(error.message)")
        }
        let fields = try JSONFields(root, known: ["row", "input", "margin", "score"], place: place)
        let inputType: ValueType
        switch try fields.text("input") {
        case "FP32": inputType = .float32
        case "FP64": inputType = .float64
        default: throw place.member("input").error("expected FP32 or FP64")
        }
        return try GoldenRow(
            cells: cells(fields.required("row"), place: place.member("row"), inputType: inputType),
            inputType: inputType, margins: fields.numbers("margin"), scores: fields.numbers("score"))
    }

    private static func cells(
        _ value: JSONValue, place: JSONPlace, inputType: ValueType
    ) throws(ConfigurationError) -> [Cell] {
        guard let array = value.asArray else { throw place.error("expected an array") }
        var cells: [Cell] = []
        for element in array {
            if element.isNull {
                cells.append(.missing)
            } else if let number = element.asDouble, isFinite(number, inputType) {
                cells.append(.number(number))
            } else if let name = element.asString {
                cells.append(.category(name))
            } else {
                throw place.item(cells.count).error(
                    "expected a finite \(inputType.datatype) number, null or a category")
            }
        }
        return cells
    }

    private static func isFinite(_ number: Double, _ type: ValueType) -> Bool {
        type == .float32 ? Float(number).isFinite : number.isFinite
    }
}
