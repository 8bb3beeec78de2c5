// Rollouts as they are kept: the plan's text, and a snapshot that only the guard reads.

internal import Foundation
internal import GRDB

extension StateStore {
    public struct RolloutRecord: Sendable, Equatable {
        public var id: String
        public var model: String
        /// As it was given.
        public var plan: String
        public var snapshot: [UInt8]
        /// Nothing comes any more.
        public var isOver: Bool
        /// Milliseconds since 1970.
        public var startedAt: Int64

        public init(id: String, model: String, plan: String, snapshot: [UInt8], isOver: Bool, startedAt: Int64) {
            self.id = id
            self.model = model
            self.plan = plan
            self.snapshot = snapshot
            self.isOver = isOver
            self.startedAt = startedAt
        }

        static let table = """
            CREATE TABLE rollout (
                id TEXT PRIMARY KEY, model TEXT NOT NULL, plan TEXT NOT NULL, snapshot BLOB NOT NULL, over INTEGER NOT NULL,
                started_at INTEGER NOT NULL) WITHOUT ROWID;
            """
    }

    /// Those that are over are kept for `GET /rollouts`, the newest so many.
    static let rolloutsKept = 100

    static func keep(_ rollout: RolloutRecord, in database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO rollout VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                rollout.id, rollout.model, rollout.plan, Data(rollout.snapshot), rollout.isOver, rollout.startedAt,
            ])
        guard rollout.isOver else { return }
        try database.execute(
            sql: """
                DELETE FROM rollout WHERE over AND id NOT IN (
                    SELECT id FROM rollout WHERE over ORDER BY started_at DESC LIMIT ?)
                """, arguments: [rolloutsKept])
    }

    /// All that are kept, the oldest first.
    public func rollouts() throws(StateError) -> [RolloutRecord] {
        try StateError.catching("the state") {
            try queue.read { database in
                try Row.fetchAll(database, sql: "SELECT * FROM rollout ORDER BY started_at, id").map { row in
                    RolloutRecord(
                        id: row["id"], model: row["model"], plan: row["plan"], snapshot: Array(row["snapshot"] as Data),
                        isOver: row["over"], startedAt: row["started_at"])
                }
            }
        }
    }
}
