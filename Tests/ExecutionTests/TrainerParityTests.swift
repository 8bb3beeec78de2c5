// Trainer == reference == compiled, on trained models of every kind that the trainers have.

import Execution
import Inference
import ModelFormat
import Testing

@Suite struct TrainerParityTests {
    @Test func everyModelAnswersAsItsTrainer() throws {
        let fixtures = try Fixture.all()
        #expect(fixtures.count >= 90)
        var compared = 0
        for fixture in fixtures {
            for file in fixture.files {
                compared += try compare(fixture, ModelImporter.importModel(path: file))
            }
        }
        #expect(compared > 1_000)
        print("trainer == reference == compiled: \(fixtures.count) models, \(compared) rows")
    }

    @Test(arguments: ["xgboost-named-categories", "lightgbm-named-categories"])
    func categoriesKeepTheirNames(kind: String) throws {
        let files = try Fixture.all().filter { $0.name.hasPrefix(kind) }.flatMap { $0.files }
        #expect(!files.isEmpty)
        for file in files {
            let imported = try ModelImporter.importModel(path: file)
            #expect(imported.categoricalFeatures.contains(true))
            for (isCategorical, names) in zip(imported.categoricalFeatures, imported.categories) {
                #expect(names == names.indices.map { "c\($0)" } && names.isEmpty != isCategorical)
            }
        }
    }

    /// Compares every row three ways; gives the number of rows.
    private func compare(_ fixture: Fixture, _ imported: ImportedModel) throws -> Int {
        let portable = imported.model
        let model = try CompiledModel.compile(portable)
        #expect(model.isExact, "\(fixture.name)")
        let rows = try fixture.readRows()
        for type in [NumberWidth.float32, .float64] {
            let own = rows.filter { $0.type == type }
            let compiled = score(model, own.map { $0.values }, type)
            let oneByOne = score(model, own.map { $0.values }, type, rowsPerJob: 1)
            #expect(compiled.margins == oneByOne.margins && compiled.scores == oneByOne.scores, "\(fixture.name)")
            for (index, row) in own.enumerated() {
                let reference = ReferenceScorer.score(portable, row: row.values, rowType: type)
                let place = "\(fixture.name), row \(index)"
                #expect(
                    reference.margins == row.margins.map { rounded($0, portable.scoreWidth) },
                    "\(place), reference to trainer")
                #expect(bits([compiled.margins[index]]) == bits([reference.margins]), "\(place), compiled to reference")
                #expect(bits([compiled.scores[index]]) == bits([reference.scores]), "\(place), compiled to reference")
                let isNear = agrees(
                    reference.scores, row.scores.map { rounded($0, portable.scoreWidth) }, portable.scoreWidth)
                #expect(isNear, "\(place), scores: \(reference.scores), trainer: \(row.scores)")
            }
        }
        return rows.count
    }

    /// The file's digits in the model's width.
    private func rounded(_ value: Double, _ width: NumberWidth) -> Double {
        width == .float32 ? Double(Float(value)) : value
    }

    /// The trainer's scores, within one unit in the last place; multi:softmax answers the class.
    private func agrees(_ scores: [Double], _ trainer: [Double], _ width: NumberWidth) -> Bool {
        if trainer.count == 1, scores.count > 1 { return scores.firstIndex(of: scores.max()!) == Int(trainer[0]) }
        return scores.count == trainer.count
            && zip(scores, trainer).allSatisfy { isWithinOneUnit($0, $1, width) }
    }
}
