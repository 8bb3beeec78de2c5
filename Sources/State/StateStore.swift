// What must survive the process: routes, which versions are loaded, the audit log, answers to repeated calls.
//
//     model     name ─► generation, route, the one before it
//     version   name, version ─► wanted or not, digest
//     audit     sequence ─► who did what, chained by SHA-256        checkpoint  sequence ─► signature of the chain
//     answer    idempotency key ─► what was answered
//     rollout   id ─► plan, snapshot of its states and its evidence
//     prediction_key  number ─► key of prediction ids
//     trigger_record  model, name ─► its last event, and what became of it
//     arrival   model, version ─► what became of a bundle that came while the gateway ran
//
// SQLite with a write-ahead log, each commit synchronous: what `commit` has returned from is on disk. A change and its
// line in the audit log are one transaction, so neither is ever there without the other. What a start goes by has a
// digest in each row. A file that SQLite finds corrupted, or a row that is not what was written, is set aside under another
// name and said so; nothing is guessed from it.

internal import Configuration
internal import Foundation
internal import GRDB
internal import Glibc
internal import Registry

public final class StateStore: Sendable {
    public static let fileName = "serin.sqlite"

    /// A model's route as it is kept: JSON, so that an older program's is read by a newer one.
    public struct ModelRecord: Sendable, Equatable {
        public var name: String
        public var generation: UInt64
        public var route: String
        public var previous: String?
        /// Milliseconds since 1970.
        public var pinnedUntil: Int64?

        public init(
            name: String, generation: UInt64, route: String, previous: String? = nil, pinnedUntil: Int64? = nil
        ) {
            self.name = name
            self.generation = generation
            self.route = route
            self.previous = previous
            self.pinnedUntil = pinnedUntil
        }
    }

    /// Whether an operator has loaded or unloaded a version.
    public struct VersionRecord: Sendable, Equatable {
        public var model: String
        public var version: String
        public var isWanted: Bool
        /// Of the source model, when it was loaded.
        public var digest: String

        public init(model: String, version: String, isWanted: Bool, digest: String = "") {
            self.model = model
            self.version = version
            self.isWanted = isWanted
            self.digest = digest
        }
    }

    /// What a call with an idempotency key was answered.
    public struct Answer: Sendable, Equatable {
        public var key: String
        /// Of the call: another call with the same key is refused.
        public var request: String
        public var status: Int
        public var body: String

        public init(key: String, request: String, status: Int, body: String) {
            self.key = key
            self.request = request
            self.status = status
            self.body = body
        }
    }

    /// One transaction.
    public struct Change: Sendable {
        public var models: [ModelRecord] = []
        public var versions: [VersionRecord] = []
        public var audit: [AuditEntry] = []
        public var answers: [Answer] = []
        public var rollouts: [RolloutRecord] = []
        public var triggers: [TriggerRow] = []
        public var arrivals: [ArrivalRow] = []

        public init(audit: [AuditEntry] = []) { self.audit = audit }
    }

    /// nil: it is in memory.
    public let folder: String?
    /// What was set aside because it was corrupted, and why; nil: nothing was.
    public let setAside: String?
    let queue: DatabaseQueue
    let signer: CheckpointSigner

    /// Opens the state in a folder, which exists; nil: in memory.
    public init(folder: String?) throws(StateError) {
        self.folder = folder
        signer = try CheckpointSigner(folder: folder)
        guard let folder else {
            queue = try StateError.catching("the state in memory") { try DatabaseFile.inMemory() }
            setAside = nil
            try StateError.catching("the state in memory") { try Self.migrate(queue) }
            return
        }
        let path = "\(folder)/\(Self.fileName)"
        do {
            queue = try Self.open(path)
            setAside = nil
        } catch {
            guard Self.isCorruption(error) else { throw StateError("\(path): \(Self.reason(error))") }
            let aside = try Self.moveAside(path)
            queue = try StateError.catching(path) { try Self.open(path) }
            setAside = "\(path) is corrupted (\(Self.reason(error))): it is kept as \(aside)"
        }
    }

    private static func open(_ path: String) throws -> DatabaseQueue {
        let queue = try DatabaseFile.open(path)
        try queue.read { database in
            let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "nothing"
            guard verdict == "ok" else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict) }
        }
        try migrate(queue)
        try queue.read(checkRows)
        return queue
    }

    private static func isCorruption(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        return error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB
    }

    static func reason(_ error: any Error) -> String {
        guard let error = error as? DatabaseError else { return "\(error)" }
        return error.message ?? "\(error.resultCode)"
    }

    /// Renames the file and its log, so that somebody can look at them.
    private static func moveAside(_ path: String) throws(StateError) -> String {
        let aside = "\(path).corrupt-\(time(nil))"
        guard rename(path, aside) == 0 else {
            throw StateError("\(path) is corrupted and cannot be moved away: \(FileBytes.reason(errno))")
        }
        for suffix in ["-wal", "-shm"] { rename(path + suffix, aside + suffix) }
        return aside
    }

    private static func migrate(_ queue: DatabaseQueue) throws {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE model (
                        name TEXT PRIMARY KEY, generation INTEGER NOT NULL, route TEXT NOT NULL, previous TEXT,
                        pinned_until INTEGER, sum BLOB NOT NULL) WITHOUT ROWID;
                    CREATE TABLE version (
                        model TEXT NOT NULL, version TEXT NOT NULL, wanted INTEGER NOT NULL, digest TEXT NOT NULL,
                        sum BLOB NOT NULL, PRIMARY KEY (model, version)) WITHOUT ROWID;
                    CREATE TABLE audit (
                        sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL, origin TEXT NOT NULL,
                        action TEXT NOT NULL, model TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
                        reason TEXT NOT NULL, outcome TEXT NOT NULL, hash BLOB NOT NULL);
                    CREATE TABLE checkpoint (sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL, signature BLOB NOT NULL);
                    CREATE TABLE answer (
                        key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
                        time INTEGER NOT NULL) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("2") { database in try database.execute(sql: RolloutRecord.table) }
        migrator.registerMigration("prediction-keys") { database in
            try database.execute(sql: PredictionKeyRecord.table)
        }
        migrator.registerMigration("triggers") { database in try database.execute(sql: triggerTables) }
        try migrator.migrate(queue)
    }

    // MARK: Read

    public func models() throws(StateError) -> [ModelRecord] {
        try StateError.catching("the state") {
            try queue.read { database in
                try Row.fetchAll(database, sql: "SELECT * FROM model ORDER BY name").map { ModelRecord($0) }
            }
        }
    }

    public func versions() throws(StateError) -> [VersionRecord] {
        try StateError.catching("the state") {
            try queue.read { database in
                try Row.fetchAll(database, sql: "SELECT * FROM version").map { VersionRecord($0) }
            }
        }
    }

    /// What was answered to a call with this key, within the last day.
    public func answer(_ key: String) throws(StateError) -> Answer? {
        try StateError.catching("the state") {
            try queue.read { database in
                try Row.fetchOne(database, sql: "SELECT * FROM answer WHERE key = ?", arguments: [key]).map { row in
                    Answer(key: row["key"], request: row["request"], status: row["status"], body: row["body"])
                }
            }
        }
    }

    // MARK: Write

    /// Returns when the change is on disk.
    public func commit(_ change: Change) throws(StateError) {
        try StateError.catching("the state cannot be written") {
            try queue.write { database in
                for model in change.models {
                    try database.execute(
                        // Never back: whatever order changes come in, the newest generation stays.
                        sql: """
                            INSERT INTO model VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET
                            generation = excluded.generation, route = excluded.route, previous = excluded.previous,
                            pinned_until = excluded.pinned_until, sum = excluded.sum
                            WHERE excluded.generation >= model.generation
                            """,
                        arguments: [
                            model.name, Int64(bitPattern: model.generation), model.route, model.previous,
                            model.pinnedUntil, model.sum,
                        ])
                }
                for version in change.versions {
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO version VALUES (?, ?, ?, ?, ?)",
                        arguments: [version.model, version.version, version.isWanted, version.digest, version.sum])
                }
                for rollout in change.rollouts { try Self.keep(rollout, in: database) }
                for trigger in change.triggers { try Self.keep(trigger, in: database) }
                for arrival in change.arrivals { try Self.keep(arrival, in: database) }
                for entry in change.audit { try AuditLog.append(entry, to: database, signer) }
                for answer in change.answers { try Self.keep(answer, in: database) }
            }
        }
    }

    private static let answerMillis: Int64 = 86_400_000

    private static func keep(_ answer: Answer, in database: Database) throws {
        let now = AuditEntry.now()
        try database.execute(sql: "DELETE FROM answer WHERE time < ?", arguments: [now - answerMillis])
        try database.execute(
            sql: "INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?)",
            arguments: [answer.key, answer.request, answer.status, answer.body, now])
    }

    /// Signs the end of the audit log, and closes the file.
    public func close() {
        try? queue.write { database in try AuditLog.checkpoint(database, signer) }
        try? queue.close()
    }
}

/// The state cannot be read or written; one sentence.
public struct StateError: Error, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }

    static func catching<Result>(_ what: String, _ body: () throws -> Result) throws(StateError) -> Result {
        do { return try body() } catch let error as StateError { throw error } catch {
            throw StateError("\(what): \(StateStore.reason(error))")
        }
    }
}
