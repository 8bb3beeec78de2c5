// Rows from a CSV file (RFC 4180): the first line names features, in any order; an empty field is a missing value.

internal import Configuration
internal import Inference
internal import Registry

enum CSVRows {
    static let rowsMax = 100_000

    struct Row {
        /// From 1.
        var line: Int
        /// In the features' order.
        var cells: [GoldenRow.Cell]
    }

    static func read(_ path: String, features: [FeatureSpec]) throws(ConfigurationError) -> [Row] {
        try parse(FileBytes.read(path, limit: 256 << 20), source: path, features: features)
    }

    static func parse(
        _ bytes: [UInt8], source: String, features: [FeatureSpec]
    ) throws(ConfigurationError) -> [Row] {
        // Spreadsheets begin a file with a byte-order mark.
        let text = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? Array(bytes.dropFirst(3)) : bytes
        var lines = records(text)[...]
        guard let header = lines.popFirst() else { throw ConfigurationError(source: source, message: "is empty") }
        var columns: [Int] = []
        for name in header.fields {
            guard let column = features.firstIndex(where: { $0.name == name }) else {
                throw ConfigurationError(
                    source: source, line: 1,
                    message: "the model has no feature \(quoted(name))"
                        + suggestion(for: name, among: features.map(\.name)))
            }
            guard !columns.contains(column) else {
                throw ConfigurationError(source: source, line: 1, message: "\(quoted(name)) stands twice")
            }
            columns.append(column)
        }
        guard lines.count <= rowsMax else {
            throw ConfigurationError(source: source, message: "has \(lines.count) rows, at most \(rowsMax) are sent")
        }
        var rows: [Row] = []
        for line in lines { rows.append(try row(line, columns, features, source)) }
        guard !rows.isEmpty else { throw ConfigurationError(source: source, message: "holds no row") }
        return rows
    }

    private static func row(
        _ line: Record, _ columns: [Int], _ features: [FeatureSpec], _ source: String
    ) throws(ConfigurationError) -> Row {
        guard line.fields.count == columns.count else {
            throw ConfigurationError(
                source: source, line: line.number,
                message: "has \(line.fields.count) fields, the first line has \(columns.count)")
        }
        var cells = [GoldenRow.Cell](repeating: .missing, count: features.count)
        for (field, column) in zip(line.fields, columns) where !field.isEmpty {
            if features[column].categories.contains(field) {
                cells[column] = .category(field)
            } else if let number = ScalarText.number(field) {
                cells[column] = .number(number)
            } else {
                throw ConfigurationError(
                    source: source, line: line.number, keyPath: features[column].name,
                    message: "expected a number, one of its categories or nothing, found \(quoted(field))")
            }
        }
        return Row(line: line.number, cells: cells)
    }

    private struct Record {
        var number: Int
        var fields: [String]
    }

    /// Lines of fields; quotes may hold commas, line breaks and doubled quotes.
    private static func records(_ bytes: [UInt8]) -> [Record] {
        var (records, fields, field): ([Record], [String], [UInt8]) = ([], [], [])
        var (line, start, isQuoted, index) = (1, 1, false, 0)
        func endRecord() {
            fields.append(String(decoding: field, as: UTF8.self))
            if fields != [""] { records.append(Record(number: start, fields: fields)) }
            (fields, field, start) = ([], [], line)
        }
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\n") { line += 1 }
            if isQuoted {
                guard byte == UInt8(ascii: "\"") else {
                    field.append(byte)
                    continue
                }
                if index < bytes.count, bytes[index] == byte {
                    field.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isQuoted = true
            case UInt8(ascii: ","):
                fields.append(String(decoding: field, as: UTF8.self))
                field = []
            case UInt8(ascii: "\r"): break
            case UInt8(ascii: "\n"): endRecord()
            default: field.append(byte)
            }
        }
        endRecord()
        return records
    }
}
