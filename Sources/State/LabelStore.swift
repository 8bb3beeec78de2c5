// Labels, and what they mean: a file of its own beside the state, so that millions of them hold up no start and no rollback.
//
//     subject   identity ─► what a version's ids mean, as JSON
//     label     number of the request, row ─► what the id said, the label, its revision
//
// The number of a request begins with its time, so the table is in the order of predictions, and what is old is one range.
// What `write` has returned from is on disk.

internal import Foundation
internal import GRDB

public final class LabelStore: Sendable {
    public static let fileName = "labels.sqlite"

    public struct Record: Sendable, Equatable {
        public var numberHigh: UInt64
        public var numberLow: UInt32
        public var row: Int
        public var subject: UInt64
        public var arm: String
        public var isFallback: Bool
        public var score: Double
        public var decision: Int
        public var amount: Double?
        public var groups: [UInt8]
        public var label: Int?
        public var revision: Int64
        /// Milliseconds since 1970.
        public var labelledAt: Int64
        public var receivedAt: Int64

        public init(
            numberHigh: UInt64, numberLow: UInt32, row: Int, subject: UInt64, arm: String, isFallback: Bool,
            score: Double, decision: Int, amount: Double?, groups: [UInt8], label: Int?, revision: Int64,
            labelledAt: Int64, receivedAt: Int64
        ) {
            (self.numberHigh, self.numberLow, self.row, self.subject) = (numberHigh, numberLow, row, subject)
            (self.arm, self.isFallback, self.score, self.decision) = (arm, isFallback, score, decision)
            (self.amount, self.groups, self.label, self.revision) = (amount, groups, label, revision)
            (self.labelledAt, self.receivedAt) = (labelledAt, receivedAt)
        }

        static let columns =
            "number, row, subject, arm, fallback, score, decision, amount, groups, label, revision, labelled_at, received_at"

        init(_ row: Row) throws {
            let number = Array(row["number"] as Data)
            guard number.count == 12 else { throw StateError("a label's number is not one") }
            func joined(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
            self.init(
                numberHigh: joined(number[..<8]), numberLow: UInt32(joined(number[8...])), row: row["row"],
                subject: UInt64(bitPattern: row["subject"] as Int64), arm: row["arm"], isFallback: row["fallback"],
                score: row["score"], decision: row["decision"], amount: row["amount"],
                groups: Array(row["groups"] as Data), label: row["label"], revision: row["revision"],
                labelledAt: row["labelled_at"], receivedAt: row["received_at"])
        }

        fileprivate var arguments: StatementArguments {
            [
                LabelStore.number(numberHigh, numberLow), row, Int64(bitPattern: subject), arm, isFallback, score,
                decision, amount, Data(groups), label, revision, labelledAt, receivedAt,
            ]
        }
    }

    /// Reads and writes within one transaction.
    public struct Transaction {
        fileprivate let database: Database

        /// The label of a prediction; nil: it has none.
        public func label(_ numberHigh: UInt64, _ numberLow: UInt32, row: Int) throws -> Record? {
            let statement = try database.cachedStatement(
                sql: "SELECT \(Record.columns) FROM label WHERE number = ? AND row = ?")
            return try Row.fetchOne(statement, arguments: [LabelStore.number(numberHigh, numberLow), row])
                .map { try Record($0) }
        }

        public func put(_ record: Record) throws {
            let places = Array(repeating: "?", count: 13).joined(separator: ", ")
            let statement = try database.cachedStatement(
                sql: "INSERT OR REPLACE INTO label (\(Record.columns)) VALUES (\(places))")
            try statement.execute(arguments: record.arguments)
        }
    }

    private let queue: DatabaseQueue

    /// Opens the labels of a folder, which exists; nil: in memory.
    public init(folder: String?) throws(StateError) {
        guard let folder else {
            queue = try StateError.catching("labels in memory") { try DatabaseFile.inMemory() }
            try StateError.catching("labels in memory") { try Self.migrate(queue) }
            return
        }
        let path = "\(folder)/\(Self.fileName)"
        queue = try StateError.catching(path) {
            let queue = try DatabaseFile.open(path)
            try Self.migrate(queue)
            return queue
        }
    }

    private static func migrate(_ queue: DatabaseQueue) throws {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE subject (identity INTEGER PRIMARY KEY, meaning TEXT NOT NULL);
                    CREATE TABLE label (
                        number BLOB NOT NULL, row INTEGER NOT NULL, subject INTEGER NOT NULL, arm TEXT NOT NULL,
                        fallback INTEGER NOT NULL, score REAL NOT NULL, decision INTEGER NOT NULL, amount REAL,
                        groups BLOB NOT NULL, label INTEGER, revision INTEGER NOT NULL, labelled_at INTEGER NOT NULL,
                        received_at INTEGER NOT NULL, PRIMARY KEY (number, row)) WITHOUT ROWID;
                    """)
        }
        try migrator.migrate(queue)
    }

    fileprivate static func number(_ high: UInt64, _ low: UInt32) -> Data {
        withUnsafeBytes(of: high.bigEndian) { Data($0) } + withUnsafeBytes(of: low.bigEndian) { Data($0) }
    }

    // MARK: Read

    /// What every version's ids mean, as it was kept.
    public func subjects() throws(StateError) -> [String] {
        try StateError.catching("labels") {
            try queue.read { try String.fetchAll($0, sql: "SELECT meaning FROM subject") }
        }
    }

    /// Every label, in the order of predictions.
    public func visit(_ body: (Record) -> Void) throws(StateError) {
        try StateError.catching("labels") {
            try queue.read { database in
                let rows = try Row.fetchCursor(database, sql: "SELECT \(Record.columns) FROM label")
                while let row = try rows.next() { body(try Record(row)) }
            }
        }
    }

    /// Changes when another process has written.
    public func foreignVersion() throws(StateError) -> Int64 {
        try StateError.catching("labels") {
            try queue.read { try Int64.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
        }
    }

    // MARK: Write

    /// One transaction; returns when it is on disk.
    public func write(_ body: (Transaction) throws -> Void) throws(StateError) {
        try StateError.catching("labels cannot be written") {
            try queue.write { try body(Transaction(database: $0)) }
        }
    }

    public func keep(subject identity: UInt64, _ meaning: String) throws(StateError) {
        try StateError.catching("labels cannot be written") {
            try queue.write { database in
                try database.execute(
                    sql: "INSERT OR IGNORE INTO subject VALUES (?, ?)",
                    arguments: [Int64(bitPattern: identity), meaning])
            }
        }
    }

    /// Removes labels of predictions before a moment (milliseconds since 1970), `limit` at the most; returns how many.
    public func prune(before millis: Int64, limit: Int) throws(StateError) -> Int {
        try StateError.catching("labels cannot be written") {
            try queue.write { database in
                let end = Self.number(UInt64(max(millis, 0)) << 16, 0)
                // Two steps: a table without row ids has no DELETE with a LIMIT.
                let last = try Data.fetchOne(
                    database, sql: "SELECT number FROM label WHERE number < ? ORDER BY number LIMIT 1 OFFSET ?",
                    arguments: [end, limit])
                try database.execute(sql: "DELETE FROM label WHERE number < ?", arguments: [last ?? end])
                return database.changesCount
            }
        }
    }

    public func close() { try? queue.close() }
}
