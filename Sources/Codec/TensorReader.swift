// JSON data of a tensor, flat or nested, into rows.
//
//     flat    [v v v v v v]        one run of rows × features numbers
//     nested  [[v v v] [v v v]]    one run a row, each of exactly as many as there are features
//
// A run is the hot loop: tape words in, floats or doubles out, as long as there are numbers and
// nulls. It stops at anything else, and the slow side decides: a boolean where one may stand goes
// on, all else is refused with its place. Integer datatypes take the slow side for every element.

internal import Inference
internal import JSON

struct TensorReader {
    private let data: JSONValue
    private let rows: Int
    private let type: Datatype

    @inline(__always)
    init(_ data: JSONValue, rows: Int, type: Datatype) {
        self.data = data
        self.rows = rows
        self.type = type
    }

    /// Writes rows × features values. (The codec is a parameter throughout: stored, it would be retained.)
    @inline(__always)
    func read<Value: BinaryFloatingPoint>(
        _ codec: ModelCodec, into values: UnsafeMutablePointer<Value>
    ) throws(RequestError) {
        let features = codec.featureCount
        var overflowed = false
        if data.tape[data.index + 1] >> 56 != UInt64(JSONKind.array.rawValue) {
            try read(data, codec, row: nil, count: rows * features, into: values, &overflowed)
        } else {
            guard var nested = data.asArray else { return }
            var row = 0
            while let inner = nested.next() {
                if row == rows || !inner.isKind(.array) { throw nestingRefusal(row, inner) }
                try read(inner, codec, row: row, count: features, into: values + row * features, &overflowed)
                row += 1
            }
            if row < rows { throw nestingRefusal(row, nil) }
        }
        if overflowed { throw overflowRefusal(values, codec) }
    }

    /// One array of exactly `count` values; `row`: which row of nested data it is.
    @inline(__always)
    private func read<Value: BinaryFloatingPoint>(
        _ array: JSONValue, _ codec: ModelCodec, row: Int?, count: Int, into values: UnsafeMutablePointer<Value>,
        _ overflowed: inout Bool
    ) throws(RequestError) {
        let end = array.endIndex - 1
        var index = array.index + 1
        var written = 0
        if type.integers == nil {
            written = Self.run(array.tape, &index, end, values, count, &overflowed)
        }
        if written != count || index != end {
            try readSlowly(array, codec, row: row, from: index, written: written, count: count, into: values)
        }
    }

    /// Takes numbers and nulls from the tape until `count` are written or anything else comes.
    @inline(__always)
    private static func run<Value: BinaryFloatingPoint>(
        _ tape: UnsafePointer<UInt64>, _ index: inout Int, _ end: Int, _ values: UnsafeMutablePointer<Value>,
        _ count: Int, _ overflowed: inout Bool
    ) -> Int {
        var written = 0
        var place = index
        var largest: Value = 0
        while written < count, place < end {
            let tag = UInt8(truncatingIfNeeded: tape[place] >> 56)
            let number: Value
            if tag == JSONKind.double.rawValue {
                number = Value(Double(bitPattern: tape[place + 1]))
                largest = max(largest, number.magnitude)
                place += 2
            } else if tag == JSONKind.integer.rawValue {
                number = Value(Double(Int64(bitPattern: tape[place + 1])))
                place += 2
            } else if tag == JSONKind.null.rawValue {
                number = .nan
                place += 1
            } else if tag == JSONKind.unsigned.rawValue {
                number = Value(Double(tape[place + 1]))
                place += 2
            } else {
                break
            }
            values[written] = number
            written += 1
        }
        index = place
        if largest == .infinity { overflowed = true }
        return written
    }

    /// Goes on where the run stopped, element by element; refuses what may not stand there.
    @inline(never)
    private func readSlowly<Value: BinaryFloatingPoint>(
        _ array: JSONValue, _ codec: ModelCodec, row: Int?, from start: Int, written: Int, count: Int,
        into values: UnsafeMutablePointer<Value>
    ) throws(RequestError) {
        let end = array.endIndex - 1
        var place = start
        var written = written
        while place < end {
            let value = JSONValue(tape: array.tape, strings: array.strings, index: place)
            if written == count { throw countRefusal(array, row, count) }
            values[written] = Value(try element(value, codec, row, written))
            written += 1
            place = value.endIndex
        }
        if written < count { throw countRefusal(array, row, count) }
    }

    /// One element by the rules of its datatype; NaN for null.
    private func element(
        _ value: JSONValue, _ codec: ModelCodec, _ row: Int?, _ index: Int
    ) throws(RequestError) -> Double {
        if value.isNull { return .nan }
        let isBoolean = type == .bool || codec.cells[index % codec.featureCount] == .boolean
        if isBoolean, let flag = value.asBool { return flag ? 1 : 0 }
        guard let range = type.integers else {
            if let number = value.asDouble { return number }
            throw elementRefusal(value, codec, row, index)
        }
        if let integer = value.asInt64, range.contains(integer) { return Double(integer) }
        if type == .uint64, let integer = value.asUInt64 { return Double(integer) }
        throw elementRefusal(value, codec, row, index)
    }

    // MARK: Refusals

    private func path(_ row: Int?) -> String { row.map { "inputs[0].data[\($0)]" } ?? "inputs[0].data" }

    @inline(never)
    private func elementRefusal(
        _ value: JSONValue, _ codec: ModelCodec, _ row: Int?, _ index: Int
    ) -> RequestError {
        let column = index % codec.featureCount
        let feature = codec.input.features[column]
        var expectation = "a number or null"
        if type == .bool {
            expectation = "true, false, 0, 1 or null"
        } else if type.integers != nil {
            expectation = "an integer that \(type.name) can hold, or null"
        } else if codec.cells[column] == .boolean {
            expectation = codec.cells[column].expectation
        } else if feature.kind == .category {
            expectation = "a category's code (its number) or null"
        }
        let got = value.asDouble == nil ? "\(value.kind.description)" : "another number"
        return RequestFields.expected("\(path(row))[\(index)] (feature '\(feature.name)')", expectation, got: got)
    }

    @inline(never)
    private func countRefusal(_ array: JSONValue, _ row: Int?, _ count: Int) -> RequestError {
        RequestFields.expected(path(row), "\(count) values", got: "\(array.asArray?.count ?? 0)")
    }

    @inline(never)
    private func nestingRefusal(_ row: Int, _ inner: JSONValue?) -> RequestError {
        if let inner, !inner.isKind(.array) {
            return RequestFields.expected(path(row), "an array, as the rows before", got: inner)
        }
        return RequestFields.expected("inputs[0].data", "\(rows) rows", got: "\(data.asArray?.count ?? 0)")
    }

    @inline(never)
    private func overflowRefusal<Value: BinaryFloatingPoint>(
        _ values: UnsafeMutablePointer<Value>, _ codec: ModelCodec
    ) -> RequestError {
        let index = (0..<rows * codec.featureCount).first { values[$0].isInfinite } ?? 0
        let (row, column) = index.quotientAndRemainder(dividingBy: codec.featureCount)
        return RequestFields.expected(
            Rows.cell(.v2, row, column, codec), "a number that FP32 can hold", got: "a larger one")
    }
}
