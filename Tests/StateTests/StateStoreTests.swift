import Foundation
import GRDB
import Registry
import Testing

@testable import State

/// A folder that is gone after the test.
private final class Folder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "serin-state-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes to the database behind the store's back.
    func tamper(_ sql: String) throws {
        try DatabaseQueue(path: "\(path)/\(StateStore.fileName)").write { try $0.execute(sql: sql) }
    }
}

@Suite struct StateStoreTests {
    private static func entry(_ number: Int, model: String = "fraud") -> AuditEntry {
        AuditEntry(
            actor: number % 2 == 0 ? "alice" : "bob", origin: "127.0.0.1", action: "route", model: model, before: "{}",
            after: #"{"stable":"\#(number)"}"#, reason: "number \(number)", time: Int64(number))
    }

    private static func fill(_ store: StateStore, _ count: Int) throws {
        for number in 1...count { try store.commit(.init(audit: [entry(number)])) }
    }

    @Test func whatIsCommittedIsThereAfterAReopen() throws {
        let folder = try Folder()
        let model = StateStore.ModelRecord(
            name: "fraud", generation: 7, route: #"{"stable":"2"}"#, previous: #"{"stable":"1"}"#, pinnedUntil: 99)
        let version = StateStore.VersionRecord(model: "fraud", version: "2", isWanted: true, digest: "abc")
        do {
            let store = try StateStore(folder: folder.path)
            var change = StateStore.Change(audit: [Self.entry(1)])
            (change.models, change.versions) = ([model], [version])
            change.answers = [.init(key: "k", request: "r", status: 200, body: "{}")]
            try store.commit(change)
        }
        let store = try StateStore(folder: folder.path)
        #expect(store.setAside == nil)
        #expect(try store.models() == [model])
        #expect(try store.versions() == [version])
        #expect(try store.answer("k")?.request == "r")
        #expect(try store.answer("other") == nil)
        #expect(try store.audit(.init()).map(\.entry) == [Self.entry(1)])
    }

    /// What was fired, and what became of an arrival, is there after a reopen; the newest record counts.
    @Test func triggersAndArrivalsAreKept() throws {
        let folder = try Folder()
        let trigger = StateStore.TriggerRow(model: "fraud", name: "drifted", record: #"{"isPending":true}"#)
        var arrival = StateStore.ArrivalRow(
            model: "fraud", version: "2", fingerprint: "abc", outcome: "refused", reason: "golden row 3", time: 5)
        do {
            let store = try StateStore(folder: folder.path)
            var change = StateStore.Change(audit: [Self.entry(1)])
            (change.triggers, change.arrivals) = ([trigger], [arrival])
            try store.commit(change)
            (arrival.outcome, arrival.time) = ("started", 6)
            change = StateStore.Change()
            change.arrivals = [arrival]
            try store.commit(change)
        }
        let store = try StateStore(folder: folder.path)
        #expect(try store.triggers() == [trigger])
        #expect(try store.arrivals() == [arrival])
    }

    /// A lowering is in force before it is recorded, so changes may come in another order than that of their generations.
    @Test func anOlderGenerationReplacesNoNewerOne() throws {
        let store = try StateStore(folder: nil)
        for generation: UInt64 in [1, 3, 2, 3] {
            var change = StateStore.Change(audit: [Self.entry(Int(generation))])
            change.models = [.init(name: "fraud", generation: generation, route: "\(generation)")]
            try store.commit(change)
        }
        #expect(try store.models() == [.init(name: "fraud", generation: 3, route: "3")])
    }

    @Test func aChangeIsThereWholeOrNotAtAll() throws {
        let store = try StateStore(folder: nil)
        try store.queue.write { try $0.execute(sql: "DROP TABLE answer") }
        var change = StateStore.Change(audit: [Self.entry(1)])
        change.models = [.init(name: "fraud", generation: 1, route: "{}")]
        change.answers = [.init(key: "k", request: "r", status: 200, body: "{}")]
        #expect(throws: StateError.self) { try store.commit(change) }
        #expect(try store.models().isEmpty && store.audit(.init()).isEmpty)
    }

    @Test func theAuditLogIsFiltered() throws {
        let store = try StateStore(folder: nil)
        try Self.fill(store, 20)
        try store.commit(.init(audit: [Self.entry(21, model: "risk")]))
        var filter = AuditFilter()
        filter.actor = "alice"
        #expect(try store.audit(filter).count == 10)
        filter.since = 11
        #expect(try store.audit(filter).map(\.entry.time) == [12, 14, 16, 18, 20])
        filter.limit = 2
        #expect(try store.audit(filter).count == 2)
        filter = AuditFilter()
        filter.model = "risk"
        #expect(try store.audit(filter).map(\.sequence) == [21])
        filter.model = ""
        filter.after = 19
        #expect(try store.audit(filter).map(\.sequence) == [20, 21])
    }

    @Test func aWholeLogVerifiesWithItsSignatures() throws {
        let folder = try Folder()
        let store = try StateStore(folder: folder.path)
        try Self.fill(store, 130)
        #expect(try store.verifyAudit() == AuditVerdict(lines: 130, checkpoints: 2, unsigned: 2, fault: nil))
        store.close()
        let verdict = try StateStore.verifyAudit(folder: folder.path, key: nil)
        #expect(verdict == AuditVerdict(lines: 130, checkpoints: 3, unsigned: 0, fault: nil))
    }

    @Test(arguments: [
        ("UPDATE audit SET actor = 'mallory' WHERE sequence = 40", "line 40 was changed"),
        ("UPDATE audit SET time = 5 WHERE sequence = 41", "line 41 was changed"),
        ("DELETE FROM audit WHERE sequence = 3", "line 3 is missing"),
        ("DELETE FROM audit WHERE sequence > 60", "lines were cut off"),
        ("UPDATE audit SET before = 'x', after = '{}{}' WHERE sequence = 1", "line 1 was changed"),
        ("UPDATE checkpoint SET signature = zeroblob(64)", "signature at line 64"),
    ])
    func tamperingIsFound(sql: String, fault: String) throws {
        let folder = try Folder()
        try Self.fill(try StateStore(folder: folder.path), 70)
        try folder.tamper(sql)
        let verdict = try StateStore.verifyAudit(folder: folder.path, key: nil)
        #expect(verdict.fault?.contains(fault) == true, "\(verdict)")
    }

    @Test func aRewrittenChainIsFoundByItsSignature() throws {
        let folder = try Folder()
        try Self.fill(try StateStore(folder: folder.path), 64)
        let queue = try DatabaseQueue(path: "\(folder.path)/\(StateStore.fileName)")
        try queue.write { database in
            var previous = [UInt8](repeating: 0, count: 32)
            let rows = try Row.fetchAll(database, sql: "SELECT * FROM audit ORDER BY sequence").map(AuditLog.record)
            for var record in rows {
                record.entry.actor = "mallory"
                previous = AuditLog.hash(after: previous, record.sequence, record.entry)
                try database.execute(
                    sql: "UPDATE audit SET actor = 'mallory', hash = ? WHERE sequence = ?",
                    arguments: [Data(previous), record.sequence])
            }
        }
        #expect(try StateStore.verifyAudit(folder: folder.path, key: nil).fault?.contains("signature") == true)
    }

    @Test func aKeyFromElsewhereIsBelieved() throws {
        let folder = try Folder()
        try Self.fill(try StateStore(folder: folder.path), 64)
        let other = Ed25519.publicKey(of: Ed25519.makeKey())
        #expect(try StateStore.verifyAudit(folder: folder.path, key: other).fault?.contains("not this key's") == true)
    }

    /// What a disk may do to the file: its header, its pages, one letter of a route.
    @Test(arguments: ["header", "pages", "route"]) func aCorruptedFileIsSetAside(place: String) throws {
        let folder = try Folder()
        let path = "\(folder.path)/\(StateStore.fileName)"
        do {
            let store = try StateStore(folder: folder.path)
            var change = StateStore.Change(audit: [Self.entry(1)])
            change.models = [.init(name: "fraud", generation: 1, route: #"{"note":"only here"}"#)]
            try store.commit(change)
            try Self.fill(store, 100)
            store.close()
        }
        var bytes = try Data(contentsOf: URL(filePath: path))
        switch place {
        case "header": bytes.replaceSubrange(0..<2000, with: Data(repeating: 0xa5, count: 2000))
        case "pages": bytes.replaceSubrange(100..<2100, with: Data(repeating: 0xa5, count: 2000))
        default: bytes[try #require(bytes.range(of: Data("only here".utf8))).lowerBound] = 0x4f
        }
        try bytes.write(to: URL(filePath: path))
        let store = try StateStore(folder: folder.path)
        #expect(store.setAside?.contains("corrupt") == true)
        #expect(try store.models().isEmpty)
        let kept = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains(".corrupt-") }
        #expect(kept.count >= 1)
        try store.commit(.init(audit: [Self.entry(1)]))
    }
}
