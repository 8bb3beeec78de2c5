// Which field of a CSV file is which feature, from its line of names.

internal import Codec
internal import Configuration
internal import Inference
internal import JSON

final class CSVLayout: Sendable {
    let fieldCount: Int
    /// For each field its feature's column; -1: none, or one whose text is always looked at.
    let numbers: [Int32]
    /// Fields whose text is always looked at, because a category's name could be a number, and their columns.
    let texts: [(field: Int, column: Int)]
    /// For each field its feature's column; -1: none.
    let columns: [Int32]
    /// The fields that are kept, in the order they were asked for.
    let kept: [Int]

    /// - Parameter header: the line of names.
    init(
        header: [UInt8], path: String, options: FileScoringOptions, codec: ModelCodec
    ) throws(ConfigurationError) {
        var line = CSVLine()
        let problem = header.withUnsafeBytes { line.split($0, delimiter: options.delimiter) }
        if let problem { throw ConfigurationError(source: path, line: 1, message: problem) }
        let names = line.fields.indices.map { String(decoding: line.text($0), as: UTF8.self) }
        let features = codec.input.features
        var columns = [Int32](repeating: -1, count: names.count)
        for (column, feature) in features.enumerated() {
            columns[try Self.place(of: feature.name, in: names, path, "the model's feature")] = Int32(column)
        }
        var kept: [Int] = []
        for name in options.keep { kept.append(try Self.place(of: name, in: names, path, "--keep's")) }
        self.kept = kept
        fieldCount = names.count
        let texts = columns.enumerated().filter { _, column in
            column >= 0 && features[Int(column)].categories.contains(where: Self.isNumber)
        }
        self.texts = texts.map { ($0.offset, Int($0.element)) }
        self.columns = columns
        var numbers = columns
        for (field, _) in self.texts { numbers[field] = -1 }
        self.numbers = numbers
    }

    private static func place(
        of name: String, in names: [String], _ path: String, _ whose: String
    ) throws(ConfigurationError) -> Int {
        let places = names.indices.filter { names[$0] == name }
        guard places.count == 1 else {
            throw ConfigurationError(
                source: path, line: 1,
                message: places.isEmpty
                    ? "no column is named \(quoted(name)), \(whose)" : "two columns are named \(quoted(name))")
        }
        return places[0]
    }

    private static func isNumber(_ name: String) -> Bool {
        Array(name.utf8).withUnsafeBytes { TextFields.number($0) != nil }
    }
}
