// Damaged and hostile model files: each is refused with a place, or is a model after all.
//
// A file that is accepted goes all the way, through the compiler and the kernels, and must score
// as the reference does.  That is why these tests stand here and not beside the importers.

import Execution
import Foundation
import FuzzSupport
import ModelFormat
import Testing

@Suite(.serialized) struct ImporterFuzzTests {
    private typealias Mutator = ([UInt8], inout SeededGenerator) -> [UInt8]

    @Test func lightGBMTextSurvives() throws { try fuzz(".txt", .lightgbm, Mutators.text) }

    @Test func xgboostJSONSurvives() throws { try fuzz(".json", .xgboostJSON, Mutators.json) }

    @Test func xgboostUBJSONSurvives() throws { try fuzz(".ubj", .xgboostUBJSON, Mutators.ubjson) }

    @Test func catboostJSONSurvives() throws {
        try fuzz(".json", .catboost, Mutators.catboost, CatBoostParityTests.fixtures().map { $0.fixture })
    }

    private func fuzz(
        _ suffix: String, _ format: ModelFileFormat, _ mutate: Mutator, _ fixtures: [Fixture]? = nil
    ) throws {
        let files = try (fixtures ?? Fixture.all()).flatMap { $0.files }.filter { $0.hasSuffix(suffix) }
            .map { [UInt8](try Data(contentsOf: URL(filePath: $0))) }
        #expect(files.count >= 30)
        var rounds = FuzzRounds(300)
        var random = SeededGenerator(seed: rounds.seed)
        var (runs, accepted) = (0, 0)
        while rounds.next() {
            let file = mutate(files.randomElement(using: &random)!, &random)
            runs += 1
            do {
                let model = try ModelImporter.importModel(file, format: format)
                accepted += 1
                try score(model.model, seed: random.next())
            } catch let error as ModelFormatError {
                if error.message.isEmpty { Issue.record("run \(runs): an error without a message at \(error.place)") }
            } catch is ImageError {
                // A forest with more questions than slots.
            }
        }
        #expect(accepted > 0 && accepted < runs)
        print("fuzz \(format.rawValue): \(runs) files, \(accepted) accepted, seed \(rounds.seed)")
    }

    private func score(_ portable: PortableModel, seed: UInt64) throws {
        var random = RandomForests(seed: seed)
        let rows: [[Double]]
        switch portable {
        case .forest(let forest): rows = random.rows(forest, count: 3)
        case .pipeline(let pipeline):
            let codes: [Double] = [0, 1, 2, 7, 40, -1, 0.5, 1e30, .nan]
            rows = (0..<3).map { _ in
                (0..<pipeline.input.columns).map { _ in codes.randomElement(using: &random.generator)! }
            }
        }
        let compiled = ExecutionTests.score(try CompiledModel.compile(portable), rows, .float64)
        let reference = rows.map { ReferenceScorer.score(portable, row: $0, rowType: .float64) }
        #expect(bits(compiled.margins) == bits(reference.map { $0.margins }))
        #expect(bits(compiled.scores) == bits(reference.map { $0.scores }))
        do {
            let found = explain(try ContributionExplainer(portable), rows, .float64)
            #expect(found.contributions.count == rows.count)
        } catch let error as ContributionError {
            #expect(!error.message.isEmpty)
        }
    }
}
