// Bodies of requests, written once before the run: V1 rows by position, V2 tensors as JSON, gRPC messages with raw
// contents.

internal import GRPC
internal import Inference
internal import Registry

struct RequestBodies {
    struct Body {
        var bytes: [UInt8]
        /// Indices into the source's rows.
        var rows: [Int]
    }

    let source: RowSource
    let entry: TrafficClass

    /// A body for each row, or for each run of `batch` rows of one width, from the first row on and around again.
    func make() -> [Body] {
        let widths = Dictionary(grouping: source.rows.indices) { RowSource.width(source.rows[$0], entry.api).byteCount }
        var bodies: [Body] = []
        for (_, indices) in widths.sorted(by: { $0.key < $1.key }) {
            for start in stride(from: 0, to: indices.count, by: entry.batch) {
                let rows = (0..<entry.batch).map { indices[(start + $0) % indices.count] }
                bodies.append(Body(bytes: bytes(rows), rows: rows))
            }
        }
        return bodies
    }

    private func bytes(_ rows: [Int]) -> [UInt8] {
        switch entry.api {
        case .v1: Array("{\"instances\":[\(rows.map(instance).joined(separator: ","))]}".utf8)
        case .v2: Array(tensor(rows).utf8)
        case .grpc: message(rows)
        case .plain: []
        }
    }

    private func instance(_ index: Int) -> String {
        let cells = source.rows[index].cells.map { cell in
            switch cell {
            case .number(let value): Self.text(value)
            case .missing: "null"
            case .category(let name): Self.quoted(name)
            }
        }
        return "[\(cells.joined(separator: ","))]"
    }

    private func tensor(_ rows: [Int]) -> String {
        let type = source.rows[rows[0]].inputType
        let values = rows.flatMap { index in
            source.rows[index].cells.enumerated().map { column, cell in
                let number = source.number(cell, column: column)
                return number.isNaN ? "null" : Self.text(number)
            }
        }
        return "{\"inputs\":[{\"name\":\(Self.quoted(source.input.name)),\"shape\":[\(rows.count),"
            + "\(source.input.features.count)],\"datatype\":\"\(type.datatype)\",\"data\":"
            + "[\(values.joined(separator: ","))]}]}"
    }

    private func message(_ rows: [Int]) -> [UInt8] {
        let type = source.rows[rows[0]].inputType
        var raw: [UInt8] = []
        for index in rows {
            for (column, cell) in source.rows[index].cells.enumerated() {
                let number = source.number(cell, column: column)
                switch type {
                case .float32: withUnsafeBytes(of: Float(number).bitPattern.littleEndian) { raw += $0 }
                case .float64: withUnsafeBytes(of: number.bitPattern.littleEndian) { raw += $0 }
                }
            }
        }
        var writer = ProtobufWriter()
        writer.field(1, entry.model)
        writer.field(2, entry.version ?? "")
        writer.message(5) { input in
            input.field(1, source.input.name)
            input.field(2, type.datatype)
            input.packed(3, [Int64(rows.count), Int64(source.input.features.count)])
        }
        writer.element(7, bytes: raw)
        let count = UInt32(writer.bytes.count)
        return [0] + withUnsafeBytes(of: count.bigEndian) { Array($0) } + writer.bytes
    }

    /// The shortest digits that read back.
    private static func text(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { result.unicodeScalars.append("\\") }
            if scalar.value < 0x20 {
                result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
