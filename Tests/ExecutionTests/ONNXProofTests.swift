// Tree ensembles of ONNX written node by node, and pipelines that learnt scikit-learn's data sets.
//
//     score      ONNX Runtime's answer, or scikit-learn's where export_sklearn.py wrote the file
//     exact      the same in double, node by node or by the trainer: only where ONNX Runtime is far from it
//
// Where there is an exact answer, ONNX Runtime is wrong and Serin must be near the exact one; each such
// model is listed.  SERIN_ONNX_TREE_FIXTURES names another folder that models/train/fixtures.py has
// filled, to compare hundreds of models.

import Execution
import Foundation
import JSON
import ModelFormat
import Testing

@Suite struct ONNXProofTests {
    private struct Model {
        var name: String
        var file: String
        var rows: URL
        /// How far a score may be off, relative above 1.
        var tolerance: Double
    }

    private struct Row {
        var values: [Double]
        var type: NumberWidth
        var score: [Double]
        var exact: [Double]?
    }

    /// Sums of dense layers have no order, and theirs is not the reference's.
    private static let denseTolerance = 1e-6
    private static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["SERIN_ONNX_TREE_FIXTURES"] { return URL(filePath: path) }
        return URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/onnx-trees")
    }

    @Test func everyModelAnswersAsIsProven() throws {
        let models = try Fixture.lines(Self.folder.appending(path: "index.ndjson")) { line in
            Model(
                name: line["name"]!.asString!,
                file: Self.folder.appending(path: line["files"]!.asArray!.map { $0.asString! }[0]).path,
                rows: Self.folder.appending(path: line["rows"]!.asString!), tolerance: line["tolerance"]!.asDouble!)
        }
        #expect(models.count >= 25)
        var rows = 0
        var wrong: [String] = []
        for model in models {
            let (compared, proven) = try compare(model)
            rows += compared
            if proven > 0 { wrong.append("\(model.name), \(proven) rows") }
        }
        #expect(rows > 500)
        print("ONNX Runtime or proof == reference == compiled: \(models.count) models, \(rows) rows")
        for line in wrong { print("    ONNX Runtime is wrong: \(line)") }
    }

    /// The rows compared, and those of them where the library is proven wrong.
    private func compare(_ model: Model) throws -> (rows: Int, proven: Int) {
        let imported: ImportedModel
        let compiled: CompiledModel
        do {
            imported = try ModelImporter.importModel(path: model.file)
            compiled = try CompiledModel.compile(imported.model)
        } catch {
            Issue.record("\(model.name): \(error)")
            return (0, 0)
        }
        let rows = try read(model.rows)
        let tolerance = model.tolerance
        var proven = 0
        for type in [NumberWidth.float32, .float64] {
            let own = rows.filter { $0.type == type }
            let together = score(compiled, own.map { $0.values }, type).scores
            let oneByOne = score(compiled, own.map { $0.values }, type, rowsPerJob: 1).scores
            for (index, row) in own.enumerated() {
                let place = "\(model.name), row \(index)"
                let reference = ReferenceScorer.score(imported.model, row: row.values, rowType: type).scores
                let isProven = row.exact != nil && !isNear(reference, row.score, tolerance)
                proven += isProven ? 1 : 0
                let wanted = isProven ? row.exact! : row.score
                #expect(isNear(reference, wanted, tolerance), "\(place): \(reference), library \(row.score)")
                for found in [together[index], oneByOne[index]] {
                    let isSame =
                        compiled.isExact
                        ? bits([found]) == bits([reference])
                        : isNear(found, reference, Self.denseTolerance) || isNear(found, wanted, Self.denseTolerance)
                    #expect(isSame, "\(place), compiled: \(found), reference: \(reference)")
                }
            }
        }
        return (rows.count, proven)
    }

    private func isNear(_ own: [Double], _ other: [Double], _ tolerance: Double) -> Bool {
        own.count == other.count
            && zip(own, other).allSatisfy { ($0 - $1).magnitude <= tolerance * max(1, $1.magnitude) }
    }

    private func read(_ file: URL) throws -> [Row] {
        func numbers(_ value: JSONValue) -> [Double] { value.asArray!.map { $0.asDouble ?? .nan } }
        return try Fixture.lines(file) { line in
            Row(
                values: numbers(line["row"]!), type: line["input"]!.asString == "FP32" ? .float32 : .float64,
                score: numbers(line["score"]!), exact: line["exact"].map(numbers))
        }
    }
}
