// What must not be done twice: events that were fired, and versions of the repository that were dealt with.

internal import GRDB

extension StateStore {
    /// A trigger as it is kept: JSON, so that an older program's is read by a newer one.
    public struct TriggerRow: Sendable, Equatable {
        public var model: String
        public var name: String
        public var record: String

        public init(model: String, name: String, record: String) {
            (self.model, self.name, self.record) = (model, name, record)
        }
    }

    /// A version that was found in the repository, and what became of it.
    public struct ArrivalRow: Sendable, Equatable {
        public var model: String
        public var version: String
        /// Of its files, as they were then.
        public var fingerprint: String
        public var outcome: String
        public var reason: String
        /// Milliseconds since 1970.
        public var time: Int64

        public init(
            model: String, version: String, fingerprint: String, outcome: String, reason: String, time: Int64
        ) {
            (self.model, self.version, self.fingerprint) = (model, version, fingerprint)
            (self.outcome, self.reason, self.time) = (outcome, reason, time)
        }
    }

    static let triggerTables = """
        CREATE TABLE trigger_record (
            model TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (model, name)) WITHOUT ROWID;
        CREATE TABLE arrival (
            model TEXT NOT NULL, version TEXT NOT NULL, fingerprint TEXT NOT NULL, outcome TEXT NOT NULL,
            reason TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (model, version)) WITHOUT ROWID;
        """

    static func keep(_ trigger: TriggerRow, in database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO trigger_record VALUES (?, ?, ?)",
            arguments: [trigger.model, trigger.name, trigger.record])
    }

    static func keep(_ arrival: ArrivalRow, in database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO arrival VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                arrival.model, arrival.version, arrival.fingerprint, arrival.outcome, arrival.reason, arrival.time,
            ])
    }

    public func triggers() throws(StateError) -> [TriggerRow] {
        try StateError.catching("the state") {
            try queue.read { database in
                try Row.fetchAll(database, sql: "SELECT * FROM trigger_record").map { row in
                    TriggerRow(model: row["model"], name: row["name"], record: row["record"])
                }
            }
        }
    }

    public func arrivals() throws(StateError) -> [ArrivalRow] {
        try StateError.catching("the state") {
            try queue.read { database in
                try Row.fetchAll(database, sql: "SELECT * FROM arrival").map { row in
                    ArrivalRow(
                        model: row["model"], version: row["version"], fingerprint: row["fingerprint"],
                        outcome: row["outcome"], reason: row["reason"], time: row["time"])
                }
            }
        }
    }
}
