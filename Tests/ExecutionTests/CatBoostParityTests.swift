// CatBoost == reference == compiled, over the models of Tests/Fixtures/catboost, and counters that no
// trainer made.

import CKernels
import Execution
import Foundation
import FuzzSupport
import JSON
import Testing

@testable import ModelFormat

@Suite struct CatBoostParityTests {
    static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["SERIN_CATBOOST_FIXTURES"] { return URL(filePath: path) }
        return URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/catboost")
    }

    /// A fixture and the names that its codes stand for.
    static func fixtures() throws -> [(fixture: Fixture, categories: [[String]])] {
        try Fixture.lines(folder.appending(path: "index.ndjson")) { line in
            let fixture = Fixture(
                name: line["name"]!.asString!,
                files: line["files"]!.asArray!.map { folder.appending(path: $0.asString!).path },
                rows: folder.appending(path: line["rows"]!.asString!))
            return (fixture, line["categories"]!.asArray!.map { $0.asArray!.map { $0.asString! } })
        }
    }

    @Test func everyModelScoresAsItsTrainer() throws {
        var rows = 0
        let fixtures = try Self.fixtures()
        for (fixture, categories) in fixtures {
            let model = try ModelImporter.importModel(path: fixture.files[0], categories: categories).model
            rows += try compare(fixture, model)
        }
        print("CatBoost == reference == compiled: \(fixtures.count) models, \(rows) rows")
    }

    private func compare(_ fixture: Fixture, _ model: PortableModel) throws -> Int {
        let compiled = try CompiledModel.compile(model)
        let rows = try fixture.readRows()
        for type in [NumberWidth.float32, .float64] {
            let own = rows.filter { $0.type == type }
            let together = score(compiled, own.map { $0.values }, type)
            let oneByOne = score(compiled, own.map { $0.values }, type, rowsPerJob: 1)
            #expect(together.margins == oneByOne.margins && together.scores == oneByOne.scores, "\(fixture.name)")
            for (index, row) in own.enumerated() {
                let reference = ReferenceScorer.score(model, row: row.values, rowType: type)
                #expect(together.margins[index] == row.margins, "\(fixture.name), row \(index)")
                let isSame = bits([together.scores[index]]) == bits([reference.scores])
                #expect(isSame, "\(fixture.name), row \(index): \(together.scores[index]), \(reference.scores)")
            }
        }
        return rows.count
    }

    @Test func randomCountersAgree() throws {
        var compared = 0
        for seed in 1...60 as ClosedRange<UInt64> {
            var random = RandomCounters(seed: seed)
            let pipeline = random.pipeline()
            let compiled = try CompiledModel.compile(.pipeline(pipeline))
            let rows = random.rows(pipeline, count: 20)
            for type in [NumberWidth.float32, .float64] {
                let scored = score(compiled, rows, type)
                for (index, row) in rows.enumerated() {
                    let reference = ReferenceScorer.score(.pipeline(pipeline), row: row, rowType: type)
                    let isSame = bits([scored.scores[index]]) == bits([reference.scores])
                    #expect(isSame, "seed \(seed): \(scored.scores[index]), \(reference.scores) for \(row)")
                    compared += 1
                }
            }
        }
        print("counters, reference == compiled: 60 stages, \(compared) rows")
    }

    @Test func keysThatFallOnOnePlaceAreSpread() throws {
        var counters = RandomCounters.empty
        // The highest bits choose the place: all of these share them.
        counters.tables[0].keys = (0..<5_000).map { UInt64($0) }
        counters.tables[0].statistics = .totals(counts: (0..<5_000).map { Int32($0) }, denominator: 5_000)
        _ = try CompiledModel.compile(.pipeline(RandomCounters.pipeline(counters, columns: 1)))
    }

    /// Codes of all lengths of digits, and what is no code.
    @Test func codesHashAsInTheReference() throws {
        var values: [Double] = [.nan, .infinity, -.infinity, -0.5, -1, 0x1p63, -0x1p63, 0x1p63.nextDown, 1e300]
        for digits in 0...18 { values += [pow(10, Double(digits)), -pow(10, Double(digits)) + 1] }
        let hashes = values.map { CategoryHash.hash(of: $0, listed: [7]) }
        let oneHot = CatBoostCounters.OneHot(category: 0, values: Array(Set(hashes)))
        let counters = CatBoostCounters(
            categories: [CatBoostCounters.Category(column: 0, hashes: [7])], oneHots: [oneHot])
        let compiled = try CompiledModel.compile(.pipeline(RandomCounters.pipeline(counters, columns: 1)))
        let scored = score(compiled, values.map { [$0] }, .float64)
        #expect(scored.scores == hashes.map { [Double(oneHot.values.firstIndex(of: $0)!)] })
    }

    /// Images with a right checksum and wrong counters: refused, or harmless to score with.
    @Test func counterImageFuzzSurvives() throws {
        var rounds = FuzzRounds(12)
        var random = SeededGenerator(seed: rounds.seed)
        var (runs, accepted) = (0, 0)
        while rounds.next() {
            var counters = RandomCounters(seed: random.next())
            let pipeline = counters.pipeline()
            let image = try CompiledModel.compile(.pipeline(pipeline)).image
            for _ in 0..<40 {
                runs += 1
                guard let model = try? CompiledModel.load(damaged(image, &random)) else { continue }
                accepted += 1
                let rows = (0..<3).map { _ in (0..<model.featureCount).map { Double($0 & 7) } }
                _ = score(model, rows, .float64)
            }
        }
        #expect(accepted > 0 && accepted < runs)
        print("fuzz counters' image: \(runs) images, \(accepted) accepted, seed \(rounds.seed)")
    }

    /// Overwrites aligned words and writes the checksum that the bytes call for.
    private func damaged(_ image: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var image = image
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            let place = Int.random(in: 16..<min(image.count / 4, 2_000), using: &random) * 4
            let words: [UInt32] = [0, 1, 2, 64, 0xFFFF, 0x1_0000, .max, 1 << 31, UInt32(random.next() & 0xFF)]
            withUnsafeBytes(of: words.randomElement(using: &random)!) {
                image.replaceSubrange(place..<place + 4, with: $0)
            }
        }
        let field = MemoryLayout<serin_program_header>.offset(of: \.checksum)!
        let sum = image.withUnsafeBytes { serin_checksum($0.baseAddress! + field + 8, $0.count - field - 8) }
        withUnsafeBytes(of: sum) { image.replaceSubrange(field..<field + 8, with: $0) }
        return image
    }
}

extension CompiledModel {
    fileprivate static func load(_ image: [UInt8]) throws(ImageError) -> CompiledModel {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: image.count, alignment: 16)
        defer { copy.deallocate() }
        copy.copyBytes(from: image)
        return try CompiledModel(image: UnsafeRawBufferPointer(copy))
    }
}
