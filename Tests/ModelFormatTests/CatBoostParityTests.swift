// CatBoost's answers == the reference scorer's: margins to the bit, scores within one unit in the
// last place.

import ModelFormat
import Testing

@Suite struct CatBoostParityTests {
    @Test func everyModelScoresAsItsTrainer() throws {
        let fixtures = try CatBoostFixture.all()
        #expect(fixtures.count >= 60)
        var rows = 0
        for fixture in fixtures { rows += try compare(fixture) }
        print("CatBoost == reference: \(fixtures.count) models, \(rows) rows")
    }

    private func compare(_ fixture: CatBoostFixture) throws -> Int {
        let imported: ImportedModel
        do {
            imported = try fixture.read()
        } catch {
            Issue.record("\(fixture.name): \(error)")
            return 0
        }
        // A sum of models says neither its version nor its objective.
        let version = fixture.kind == "sum" ? nil : "1.2.10"
        #expect(imported.format == .catboost && imported.trainerVersion == version, "\(fixture.name)")
        let rows = try fixture.readRows()
        var wrong = 0
        for row in rows {
            let (margins, scores) = ReferenceScorer.score(imported.model, row: row.values, rowType: row.type)
            let isSame = margins == row.margin
            let isNear = scores.count == row.score.count && zip(scores, row.score).allSatisfy(isWithinOneUnit)
            guard !isSame || !isNear else { continue }
            wrong += 1
            if wrong == 1 {
                Issue.record("\(fixture.name): \(margins), \(scores) for \(row.margin), \(row.score)")
            }
        }
        #expect(wrong == 0, "\(fixture.name): \(wrong) of \(rows.count) rows")
        return rows.count
    }

    private func isWithinOneUnit(_ left: Double, _ right: Double) -> Bool {
        left == right || left.nextUp == right || left.nextDown == right
    }

    /// The fixtures must hold what their names promise, or parity says nothing.
    @Test func modelsHoldWhatTheyAreNamedFor() throws {
        for fixture in try CatBoostFixture.all() {
            let text = String(decoding: try fixture.bytes(), as: UTF8.self)
            let imported = try fixture.read()
            let (hasCounters, hasOneHot) = (text.contains("OnlineCtr"), text.contains("OneHotFeature"))
            #expect(hasCounters || !fixture.kind.hasPrefix("ctr-"), "\(fixture.name)")
            #expect(hasOneHot || !fixture.kind.hasPrefix("onehot-"), "\(fixture.name)")
            guard fixture.kind != "onehot-negative" else { continue }
            let needsStage = fixture.kind.hasPrefix("ctr-") || fixture.kind == "uncertainty"
            #expect((imported.forest == nil) == needsStage, "\(fixture.name)")
        }
    }
}
