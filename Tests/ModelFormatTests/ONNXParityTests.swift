// ONNX Runtime == reference, within 1e-6, on models of every kind that the importer knows.

import Foundation
import ModelFormat
import Testing

@Suite struct ONNXParityTests {
    @Test func everyModelAnswersAsONNXRuntime() throws {
        let fixtures = try ONNXFixture.all()
        #expect(fixtures.count >= 80)
        var rows = 0
        var largest = 0.0
        for fixture in fixtures {
            let model: ImportedModel
            do { model = try ModelImporter.importModel(path: fixture.path, accept: fixture.accept) } catch {
                Issue.record("\(fixture.name): \(error)")
                continue
            }
            #expect(model.featureNames.count == fixture.features, "\(fixture.name)")
            #expect(model.model.outputCount == fixture.outputs, "\(fixture.name)")
            let difference = try compare(model, fixture, &rows)
            largest = max(largest, difference)
            // PROBIT is steep near 0 and 1, and an approximation that had to be accepted.
            let tolerance = fixture.accept.isEmpty ? fixture.tolerance : 5e-3
            #expect(difference <= tolerance, "\(fixture.name): \(difference) off")
        }
        #expect(rows > 1_000)
        print("ONNX Runtime == reference: \(fixtures.count) models, \(rows) rows, at most \(largest) apart")
    }

    /// The largest difference, relative above 1.
    private func compare(_ model: ImportedModel, _ fixture: ONNXFixture, _ count: inout Int) throws -> Double {
        var largest = 0.0
        for row in try fixture.readRows() {
            count += 1
            let scores = ReferenceScorer.score(
                model.model, row: row.values(model.categories), rowType: row.type
            ).scores
            guard scores.count == row.score.count else { return .infinity }
            for (own, other) in zip(scores, row.score) {
                let difference = (own - other).magnitude / max(1, other.magnitude)
                largest = max(largest, difference.isNaN ? .infinity : difference)
            }
        }
        return largest
    }

    /// Models whose trees look at the row itself become forests, which have the fast kernels.
    @Test(arguments: [
        "sklearn-forest", "sklearn-boosting-multi", "sklearn-histogram", "sklearn-forest-targets", "xgboost-binary",
        "lightgbm-multi", "catboost-regression", "catboost-binary",
    ])
    func treesOverTheRowAreForests(kind: String) throws {
        let fixture = try #require(try ONNXFixture.all().first { $0.kind == kind })
        let model = try ModelImporter.importModel(path: fixture.path)
        #expect(model.forest != nil)
    }
}
