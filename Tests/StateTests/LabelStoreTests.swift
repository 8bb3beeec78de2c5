import Foundation
import Testing

@testable import State

@Suite struct LabelStoreTests {
    private func record(_ index: Int, millis: UInt64 = 1_763_755_200_000, label: Int? = 1) -> LabelStore.Record {
        LabelStore.Record(
            numberHigh: millis << 16 | UInt64(index), numberLow: .max - UInt32(index), row: index % 3,
            subject: UInt64.max - 1, arm: "stable", isFallback: index % 2 == 0, score: 0.1 + Double(index), decision: 1,
            amount: index % 2 == 0 ? 12.34 : nil, groups: [1, 255], label: label, revision: 0, labelledAt: 5,
            receivedAt: 6)
    }

    private func all(_ store: LabelStore) throws -> [LabelStore.Record] {
        var found: [LabelStore.Record] = []
        try store.visit { found.append($0) }
        return found
    }

    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "labels-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test func labelsOutliveTheProcess() throws {
        try inFolder { folder in
            let store = try LabelStore(folder: folder)
            let records = (0..<5).map { record($0) }
            try store.write { transaction in
                for record in records.reversed() { try transaction.put(record) }
                let known = try transaction.label(records[2].numberHigh, records[2].numberLow, row: records[2].row)
                #expect(known == records[2])
                #expect(try transaction.label(1, 2, row: 0) == nil)
            }
            try store.keep(subject: .max - 1, "{}")
            try store.keep(subject: .max - 1, "later")
            store.close()
            let again = try LabelStore(folder: folder)
            #expect(try all(again) == records && again.subjects() == ["{}"])
            var revised = records[1]
            (revised.label, revised.revision) = (nil, 1)
            try again.write { try $0.put(revised) }
            #expect(try all(again)[1] == revised && all(again).count == 5)
            again.close()
        }
    }

    @Test func aTransactionIsAllOrNothing() throws {
        let store = try LabelStore(folder: nil)
        #expect(throws: StateError.self) {
            try store.write { transaction in
                try transaction.put(record(1))
                throw StateError("no")
            }
        }
        #expect(try all(store).isEmpty)
    }

    @Test func theOldestGoFirst() throws {
        let store = try LabelStore(folder: nil)
        try store.write { transaction in
            for index in 0..<10 { try transaction.put(record(0, millis: UInt64(1000 * (index + 1)))) }
        }
        #expect(try store.prune(before: 1000, limit: 3) == 0)
        #expect(try store.prune(before: 6000, limit: 3) == 3)
        #expect(try store.prune(before: 6000, limit: 3) == 2)
        #expect(try store.prune(before: 6000, limit: 3) == 0)
        #expect(try all(store).map { $0.numberHigh >> 16 } == [6000, 7000, 8000, 9000, 10_000])
    }

    @Test func othersAreNoticed() throws {
        try inFolder { folder in
            let (one, two) = (try LabelStore(folder: folder), try LabelStore(folder: folder))
            let before = try one.foreignVersion()
            try one.write { try $0.put(record(1)) }
            #expect(try one.foreignVersion() == before, "one's own writing is no news")
            try two.write { try $0.put(record(2)) }
            #expect(try one.foreignVersion() != before)
            #expect(try all(one).count == 2)
        }
    }

    @Test func keysFollowEachOther() throws {
        let store = try StateStore(folder: nil)
        let day: Int64 = 86_400_000
        let first = try store.predictionKeys(now: 0, idMillis: 180 * day)
        #expect(first.count == 1 && first[0].bytes.count == 16)
        #expect(try store.predictionKeys(now: 29 * day, idMillis: 180 * day) == first)
        let second = try store.predictionKeys(now: 30 * day, idMillis: 180 * day)
        #expect(second.count == 2 && second[0] == first[0] && second[1].number == 1)
        #expect(second[1].bytes != first[0].bytes)
        // The first made its last id at day 30, which is taken until day 210.
        #expect(try store.predictionKeys(now: 209 * day, idMillis: 180 * day).map(\.number) == [0, 1, 2])
        #expect(try store.predictionKeys(now: 241 * day, idMillis: 180 * day).map(\.number) == [2, 3])
    }
}
