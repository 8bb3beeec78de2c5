// ONNX models all the way: imported, compiled, scored; whole and damaged ones.

import Execution
import Foundation
import FuzzSupport
import Inference
import JSON
import ModelFormat
import Testing

@Suite(.serialized) struct ONNXModelTests {
    private struct Model {
        var name: String
        var bytes: [UInt8]
        var rows: URL
        var accept: [String]
        var tolerance: Double
    }

    private static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["SERIN_ONNX_FIXTURES"] { return URL(filePath: path) }
        return URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/onnx")
    }

    private static func lines<Line>(_ file: URL, _ read: (JSONValue) throws -> Line) throws -> [Line] {
        var parser = JSONParser(maxBytes: 1 << 20)
        return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map {
            try read(try parser.parse(copying: [UInt8]($0)))
        }
    }

    private static func models() throws -> [Model] {
        try lines(folder.appending(path: "index.ndjson")) { line in
            let file = folder.appending(path: line["name"]!.asString! + ".onnx")
            return Model(
                name: line["name"]!.asString!, bytes: [UInt8](try Data(contentsOf: file)),
                rows: folder.appending(path: line["rows"]!.asString!),
                accept: line["accept"]!.asArray!.map { $0.asString! }, tolerance: line["tolerance"]!.asDouble!)
        }
    }

    /// A row as a model takes it: categories as codes, missing and unknown ones as NaN.
    private func values(_ row: JSONValue, _ categories: [[String]]) -> [Double] {
        row["row"]!.asArray!.enumerated().map { index, cell in
            if let text = cell.asString { return categories[index].firstIndex(of: text).map { Double($0) } ?? .nan }
            return cell.asDouble ?? .nan
        }
    }

    @Test func compiledModelsAnswerAsTheirRuntimes() throws {
        var rows = 0
        for model in try Self.models() {
            let imported = try ModelImporter.importModel(model.bytes, accept: model.accept)
            let compiled = try CompiledModel.compile(imported.model)
            let lines = try Self.lines(model.rows) { line in
                (
                    values(line, imported.categories), line["input"]!.asString == "FP32",
                    line["score"]!.asArray!.map { $0.asDouble! }
                )
            }
            rows += lines.count
            let type: NumberWidth = lines[0].1 ? .float32 : .float64
            let got = score(compiled, lines.map { $0.0 }, type).scores
            // PROBIT is steep near 0 and 1, and an approximation that had to be accepted.
            let tolerance = model.accept.isEmpty ? model.tolerance : 5e-3
            for (own, line) in zip(got, lines) {
                for (own, other) in zip(own, line.2) where !((own - other).magnitude <= tolerance * max(1, abs(other)))
                {
                    Issue.record("\(model.name): \(own), expected \(other)")
                }
            }
        }
        print("ONNX Runtime == compiled: \(rows) rows")
    }

    @Test func onnxSurvives() throws {
        let files = try Self.models().map { $0.bytes }
        var rounds = FuzzRounds(300)
        var random = SeededGenerator(seed: rounds.seed)
        var (runs, accepted) = (0, 0)
        while rounds.next() {
            let file = ProtobufMutator.mutate(files.randomElement(using: &random)!, &random)
            runs += 1
            do {
                let imported = try ModelImporter.importModel(file, format: .onnx, accept: ["probit", "float16"])
                accepted += 1
                try compare(imported.model, &random, "run \(runs), seed \(rounds.seed)")
            } catch let error as ModelFormatError {
                if error.message.isEmpty { Issue.record("run \(runs): an error without a message at \(error.place)") }
            } catch is ImageError {
                // A forest with more questions than slots.
            }
        }
        #expect(accepted > 0 && accepted < runs)
        print("fuzz onnx: \(runs) files, \(accepted) accepted, seed \(rounds.seed)")
    }

    /// Forests score to the bit as the reference does; other stages are near it where nothing overflows.
    private func compare(_ model: PortableModel, _ random: inout SeededGenerator, _ place: String) throws {
        let values: [Double] = [.nan, 0, -0.0, 0.5, 1, 2, -1, 1e30, -1e30, .infinity, 1e-40]
        let rows = (0..<3).map { _ in
            (0..<model.featureCount).map { _ in
                random.chance(0.5) ? Double.random(in: -3...3, using: &random) : values.randomElement(using: &random)!
            }
        }
        let compiled = try CompiledModel.compile(model)
        let got = score(compiled, rows, .float64)
        guard case .forest = model else { return }
        let reference = rows.map { ReferenceScorer.score(model, row: $0, rowType: .float64) }
        #expect(bits(got.margins) == bits(reference.map { $0.margins }), "\(place)")
        #expect(bits(got.scores) == bits(reference.map { $0.scores }), "\(place)")
    }
}
