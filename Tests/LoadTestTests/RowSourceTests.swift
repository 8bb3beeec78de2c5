// Rows of a class: which versions they need, which of them are sent.

import Configuration
import Foundation
import Inference
import Registry
import Testing

@testable import LoadTest

@Suite struct RowSourceTests {
    static let bundle = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "models/fraud/1")

    /// A repository of version 1 of fraud, of a version 2 that cannot be loaded, and of a CSV.
    static func withRepository(csv: String = "", body: (_ repository: String, _ csv: String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "rows-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(
            at: folder.appending(path: "models/fraud/2"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: bundle, to: folder.appending(path: "models/fraud/1"))
        try Data(csv.utf8).write(to: folder.appending(path: "rows.csv"))
        try body(folder.appending(path: "models").path(), folder.appending(path: "rows.csv").path())
    }

    static func source(_ repository: String, version: String? = nil, csv: String? = nil) throws -> RowSource {
        var entry = ScenarioReaderTests.entry
        entry.version = version
        if let csv { entry.rows = .csv(csv) }
        return try RowSource(entry, repository: repository)
    }

    @Test func aPinnedVersionNeedsNoOther() throws {
        try Self.withRepository { repository, _ in
            let source = try Self.source(repository, version: "1")
            #expect(source.bundles.keys.sorted() == ["1"])
            #expect(source.notes == [])
            #expect(throws: ConfigurationError.self) { try Self.source(repository, version: "2") }
            #expect { try Self.source(repository, version: "3") } throws: {
                "\($0)".contains("holds no version \"3\" of fraud")
            }
        }
    }

    /// A broken version that the gateway leaves out ended the run.
    @Test func aBrokenVersionIsLeftOutAndSaid() throws {
        try Self.withRepository { repository, _ in
            let source = try Self.source(repository)
            #expect(source.bundles.keys.sorted() == ["1"])
            #expect(source.notes.count == 1)
            #expect(source.notes.first?.hasPrefix("version 2 of fraud is left out: ") == true)
            try FileManager.default.removeItem(atPath: repository + "/fraud/1")
            #expect(throws: ConfigurationError.self) { try Self.source(repository) }
        }
    }

    @Test func refusedRowsOfACSVAreSaid() throws {
        try Self.withRepository(csv: "amount,hour\n10,1\n,2\n30,3\n") { repository, csv in
            let source = try Self.source(repository, version: "1", csv: csv)
            #expect(source.rows.count == 2)
            #expect(
                source.notes == [
                    "1 of 3 rows of \(csv) are not sent: line 3: version 1 refuses it, because amount is missing"
                ])
        }
    }

    @Test func aCSVThatIsMostlyRefusedIsAnError() throws {
        try Self.withRepository(csv: "amount,hour\n10,1\n,2\n,3\n") { repository, csv in
            #expect { try Self.source(repository, version: "1", csv: csv) } throws: {
                "\($0)"
                    == "\(csv):3: version 1 refuses it, because amount is missing; 2 of 3 rows are refused"
            }
        }
    }

    /// Doubles were dropped, and with them a CSV's frequencies.
    @Test func aCSVKeepsItsFrequencies() throws {
        try Self.withRepository(csv: "amount\n10\n10\n20\n10\n") { repository, csv in
            let source = try Self.source(repository, version: "1", csv: csv)
            #expect(source.rows.count == 4)
            #expect(source.scores["1"]?.count == 4)
            let bodies = RequestBodies(source: source, entry: ScenarioReaderTests.entry).make()
            let target = try #require(Target("http://127.0.0.1:8080"))
            let requests = RequestSet(ScenarioReaderTests.entry, target, bodies: bodies, recordings: [])
            #expect(requests.rowCount == 4)
            // Equal bodies share their memory.
            #expect(requests.prepared[0].body.baseAddress == requests.prepared[3].body.baseAddress)
            #expect(requests.prepared[0].body.baseAddress != requests.prepared[2].body.baseAddress)
        }
    }

    @Test func aByteOrderMarkIsNoPartOfAName() throws {
        let features = [FeatureSpec(name: "amount", kind: .number)]
        let rows = try CSVRows.parse([0xef, 0xbb, 0xbf] + Array("amount\n1".utf8), source: "c", features: features)
        #expect(rows.map(\.cells) == [[.number(1)]])
        #expect(rows.map(\.line) == [2])
    }
}
