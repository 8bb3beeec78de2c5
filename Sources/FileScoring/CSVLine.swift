// The fields of one CSV line, quotes and all (RFC 4180, but a record is a line: a line break in quotes is a quote that
// is not closed, so that one bad quote costs one line and never the rest of the file).

internal import Glibc
internal import Primitives

struct CSVLine: ~Copyable {
    /// A field as it stands in the line, and its text.
    struct Field {
        var raw: Range<Int>
        /// In `texts`.
        var text: Range<Int>
    }

    private(set) var fields: [Field] = []
    /// Unquoted texts, one behind the other.
    private(set) var texts = GrowableBuffer()

    /// Splits the line; nil, or what is wrong with it.
    mutating func split(_ line: UnsafeRawBufferPointer, delimiter: UInt8) -> String? {
        fields.removeAll(keepingCapacity: true)
        texts.count = 0
        var at = 0
        while true {
            let (start, textStart) = (at, texts.count)
            if at < line.count, line[at] == UInt8(ascii: "\"") {
                guard let end = unquote(line, from: at + 1) else {
                    return "field \(fields.count + 1): its quote is not closed on this line"
                }
                at = end
                guard at == line.count || line[at] == delimiter else {
                    return "field \(fields.count + 1): text stands behind its closing quote"
                }
            } else {
                while at < line.count, line[at] != delimiter {
                    if line[at] == UInt8(ascii: "\"") { return "field \(fields.count + 1): a quote stands inside it" }
                    at += 1
                }
                texts.append(UnsafeRawBufferPointer(rebasing: line[start..<at]))
            }
            fields.append(Field(raw: start..<at, text: textStart..<texts.count))
            if at == line.count { break }
            at += 1
        }
        // Readers look at whole words.
        texts.reserve(texts.count + 8)
        return nil
    }

    /// Copies the text of a quoted field; the place behind its closing quote, nil: there is none.
    private mutating func unquote(_ line: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var at = start
        while at < line.count {
            if line[at] == UInt8(ascii: "\"") {
                guard at + 1 < line.count, line[at + 1] == UInt8(ascii: "\"") else { return at + 1 }
                at += 1
            }
            texts.append(byte: line[at])
            at += 1
        }
        return nil
    }

    func text(_ field: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: texts.bytes[fields[field].text])
    }
}
