// CSV in and out.

internal import Codec
internal import Glibc
internal import Inference
internal import JSON
internal import Primitives

extension BlockScorer {
    /// Reads a line into a row, and what is kept of it; nil, or why it is refused.
    mutating func readCSV(
        _ text: UnsafeRawBufferPointer, _ layout: CSVLayout, hasQuotes: Bool,
        into values: UnsafeMutablePointer<Double>
    ) -> String? {
        if hasQuotes, let start = text.baseAddress, memchr(start, Int32(UInt8(ascii: "\"")), text.count) != nil {
            return readQuoted(text, layout, into: values)
        }
        var oddCount = 0
        // SAFETY: both arrays have a place for each field, and the line is followed by its break.
        let count = layout.numbers.withUnsafeBufferPointer { columns in
            stops.withUnsafeMutableBufferPointer { stops in
                odd.withUnsafeMutableBufferPointer { odd in
                    TextFields.read(
                        text, delimiter: task.options.delimiter, columns: columns, into: values,
                        stops: stops.baseAddress.unsafelyUnwrapped, odd: odd.baseAddress.unsafelyUnwrapped,
                        oddCount: &oddCount)
                }
            }
        }
        if count != layout.fieldCount { return Self.wrongCount(count, layout) }
        for index in 0..<oddCount {
            let field = Int(odd[index])
            if let problem = read(plainField(text, field), Int(layout.columns[field]), into: values) { return problem }
        }
        for (field, column) in layout.texts {
            if let problem = read(plainField(text, field), column, into: values) { return problem }
        }
        for field in layout.kept { keep(plainField(text, field)) }
        return nil
    }

    /// A field of a line that was just read.
    private func plainField(_ text: UnsafeRawBufferPointer, _ field: Int) -> UnsafeRawBufferPointer {
        let start = field == 0 ? 0 : Int(stops[field - 1]) + 1
        return UnsafeRawBufferPointer(rebasing: text[start..<Int(stops[field])])
    }

    private mutating func readQuoted(
        _ text: UnsafeRawBufferPointer, _ layout: CSVLayout, into values: UnsafeMutablePointer<Double>
    ) -> String? {
        if let problem = line.split(text, delimiter: task.options.delimiter) { return problem }
        if line.fields.count != layout.fieldCount { return Self.wrongCount(line.fields.count, layout) }
        for (field, column) in layout.columns.enumerated() where column >= 0 {
            if let problem = read(line.text(field), Int(column), into: values) { return problem }
        }
        for field in layout.kept { keep(UnsafeRawBufferPointer(rebasing: text[line.fields[field].raw])) }
        return nil
    }

    private func read(
        _ field: UnsafeRawBufferPointer, _ column: Int, into values: UnsafeMutablePointer<Double>
    ) -> String? {
        do throws(RequestError) {
            values[column] = try RecordDecoder.read(field: field, column: column, codec: task.codec)
            return nil
        } catch {
            return error.message
        }
    }

    private static func wrongCount(_ count: Int, _ layout: CSVLayout) -> String {
        let got = count > layout.fieldCount ? "more" : "\(count)"
        return "expected \(layout.fieldCount) fields, as in the first line, got \(got)"
    }

    /// As it stands in the input, quotes and all.
    private mutating func keep(_ field: UnsafeRawBufferPointer) {
        kept.append(field)
        kept.append(byte: task.options.delimiter)
    }

    /// A line of the output; place -1: without scores.
    mutating func writeCSV(_ place: Int, _ text: UnsafeRawBufferPointer, _ encoder: RecordEncoder) {
        let delimiter = task.options.delimiter
        if text.isEmpty, place < 0 {
            for _ in task.options.keep { output.append(byte: delimiter) }
        }
        output.append(text)
        for (index, kind) in task.options.outputs.enumerated() {
            if index > 0 { output.append(byte: delimiter) }
            if place >= 0 {
                encoder.append(kind, row: place, delimiter: delimiter, codec: task.codec, to: &output)
            } else {
                for _ in 1..<max(1, RecordEncoder.names(of: kind, codec: task.codec).count) {
                    output.append(byte: delimiter)
                }
            }
        }
        output.append(byte: 10)
    }
}
