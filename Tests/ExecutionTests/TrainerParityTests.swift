// Trainer == reference == compiled, on trained models of every kind that the trainers have.

import Execution
import Inference
import ModelFormat
import Testing

@Suite struct TrainerParityTests {
    /// What is refused, and why: the error must say so.
    private static let refused = [
        "lightgbm-linear": "linear trees", "xgboost-vector": "vector leaves", "xgboost-linear": "linear model",
    ]

    @Test func everyModelAnswersAsItsTrainer() throws {
        let fixtures = try Fixture.all()
        #expect(fixtures.count >= 70)
        var compared = 0
        for fixture in fixtures {
            for file in fixture.files {
                if let reason = Self.refused.first(where: { fixture.name.hasPrefix($0.key) })?.value {
                    let error = #expect(throws: ModelFormatError.self) { try ModelImporter.importModel(path: file) }
                    #expect(error?.message.contains(reason) == true && error?.place.isEmpty == false)
                    continue
                }
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
        let forest = imported.forest!
        let model = try CompiledModel.compile(forest)
        let rows = try fixture.readRows()
        for type in [NumberWidth.float32, .float64] {
            let own = rows.filter { $0.type == type }
            let compiled = score(model, own.map { $0.values }, type)
            let oneByOne = score(model, own.map { $0.values }, type, rowsPerJob: 1)
            #expect(compiled.margins == oneByOne.margins && compiled.scores == oneByOne.scores, "\(fixture.name)")
            for (index, row) in own.enumerated() {
                let reference = ReferenceScorer.score(forest, row: row.values, rowType: type)
                let place = "\(fixture.name), row \(index)"
                #expect(reference.margins == row.margins.map { rounded($0, forest) }, "\(place), reference to trainer")
                #expect(bits([compiled.margins[index]]) == bits([reference.margins]), "\(place), compiled to reference")
                #expect(bits([compiled.scores[index]]) == bits([reference.scores]), "\(place), compiled to reference")
                let isNear = agrees(reference.scores, row.scores.map { rounded($0, forest) }, forest)
                #expect(isNear, "\(place), scores: \(reference.scores), trainer: \(row.scores)")
            }
        }
        return rows.count
    }

    /// The file's digits in the model's width.
    private func rounded(_ value: Double, _ forest: Forest) -> Double {
        forest.accumulation == .float32 ? Double(Float(value)) : value
    }

    /// The trainer's scores, within one unit in the last place; multi:softmax answers the class.
    private func agrees(_ scores: [Double], _ trainer: [Double], _ forest: Forest) -> Bool {
        if trainer.count == 1, scores.count > 1 { return scores.firstIndex(of: scores.max()!) == Int(trainer[0]) }
        return scores.count == trainer.count
            && zip(scores, trainer).allSatisfy { isWithinOneUnit($0, $1, forest.accumulation) }
    }
}
