// The ONNX models of Tests/Fixtures/onnx, with ONNX Runtime's answers.
//
// SERIN_ONNX_FIXTURES names another folder that models/train/onnx_fixtures.py has filled, to compare
// hundreds of models.

import Foundation
import ModelFormat
import Testing

struct ONNXFixture: Decodable, CustomTestStringConvertible {
    var name: String
    var kind: String
    var files: [String]
    var rows: String
    var features: Int
    var outputs: Int
    var accept: [String]
    var tolerance: Double

    var testDescription: String { name }

    struct Row: Decodable {
        /// A number, a missing value or a category.
        enum Cell: Decodable {
            case number(Double)
            case missing
            case text(String)

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if container.decodeNil() {
                    self = .missing
                } else if let number = try? container.decode(Double.self) {
                    self = .number(number)
                } else {
                    self = .text(try container.decode(String.self))
                }
            }
        }

        var row: [Cell]
        var input: String
        var score: [Double]

        var type: NumberWidth { input == "FP32" ? .float32 : .float64 }

        /// The row as a model takes it: categories as codes, missing and unknown ones as NaN.
        func values(_ categories: [[String]]) -> [Double] {
            row.indices.map { index in
                switch row[index] {
                case .number(let number): number
                case .missing: .nan
                case .text(let text): categories[index].firstIndex(of: text).map { Double($0) } ?? .nan
                }
            }
        }
    }

    static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["SERIN_ONNX_FIXTURES"] { return URL(filePath: path) }
        return URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/onnx")
    }

    static func all() throws -> [ONNXFixture] { try lines("index.ndjson") }

    var path: String { Self.folder.appending(path: files[0]).path }

    func bytes() throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }

    func readRows() throws -> [Row] { try Self.lines(rows) }

    private static func lines<Line: Decodable>(_ name: String) throws -> [Line] {
        try Data(contentsOf: folder.appending(path: name)).split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Line.self, from: Data($0))
        }
    }
}
