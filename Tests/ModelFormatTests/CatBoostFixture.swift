// The CatBoost models of Tests/Fixtures/catboost, with CatBoost's own answers.
//
// SERIN_CATBOOST_FIXTURES names another folder that models/train/catboost_fixtures.py has filled.

import Foundation
import ModelFormat

struct CatBoostFixture: Decodable {
    struct Row: Decodable {
        /// nil: missing.
        var row: [Double?]
        var input: String
        var margin: [Double]
        var score: [Double]

        var values: [Double] { row.map { $0 ?? .nan } }
        var type: NumberWidth { input == "FP32" ? .float32 : .float64 }
    }

    var name: String
    var kind: String
    var files: [String]
    var rows: String
    /// Names by column, index = code.
    var categories: [[String]]

    static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["SERIN_CATBOOST_FIXTURES"] { return URL(filePath: path) }
        return URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/catboost")
    }

    static func all() throws -> [CatBoostFixture] { try lines(folder.appending(path: "index.ndjson")) }

    func readRows() throws -> [Row] { try Self.lines(Self.folder.appending(path: rows)) }

    func bytes() throws -> [UInt8] { [UInt8](try Data(contentsOf: Self.folder.appending(path: files[0]))) }

    func read() throws -> ImportedModel { try ModelImporter.importModel(bytes(), categories: categories) }

    private static func lines<Line: Decodable>(_ file: URL) throws -> [Line] {
        try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Line.self, from: $0)
        }
    }
}
