// The trained models of Tests/Fixtures/models, with their trainers' own answers.
//
// SERIN_PARITY_FIXTURES names another folder that models/train/fixtures.py has filled, to run the
// parity tests over thousands of models.

import Foundation
import JSON
import ModelFormat
import Testing

struct Fixture {
    struct Row {
        var values: [Double]
        var type: NumberWidth
        var margins: [Double]
        var scores: [Double]
    }

    var name: String
    var files: [String]
    var rows: URL

    static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["SERIN_PARITY_FIXTURES"] { return URL(filePath: path) }
        return URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/models")
    }

    static func all() throws -> [Fixture] {
        try lines(folder.appending(path: "index.ndjson")) { line in
            Fixture(
                name: line["name"]!.asString!,
                files: line["files"]!.asArray!.map { folder.appending(path: $0.asString!).path },
                rows: folder.appending(path: line["rows"]!.asString!))
        }
    }

    func readRows() throws -> [Row] {
        func numbers(_ value: JSONValue?) -> [Double] { value!.asArray!.map { $0.asDouble ?? .nan } }
        return try Self.lines(rows) { line in
            Row(
                values: numbers(line["row"]), type: line["input"]!.asString == "FP32" ? .float32 : .float64,
                margins: numbers(line["margin"]), scores: numbers(line["score"]))
        }
    }

    static func lines<Line>(_ file: URL, _ read: (JSONValue) -> Line) throws -> [Line] {
        var parser = JSONParser(maxBytes: 1 << 20)
        return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map {
            read(try parser.parse(copying: [UInt8]($0)))
        }
    }
}

/// Whether two scores are the same or neighbours in the model's width.
func isWithinOneUnit(_ left: Double, _ right: Double, _ width: NumberWidth) -> Bool {
    if left == right { return true }
    switch width {
    case .float32: return Float(left).nextUp == Float(right) || Float(left).nextDown == Float(right)
    case .float64: return left.nextUp == right || left.nextDown == right
    }
}
