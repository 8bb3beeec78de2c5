// The keys of prediction ids: made at the first start, followed by a new one now and then, kept while an id of theirs may
// still come back.

internal import Foundation
internal import GRDB

extension StateStore {
    public struct PredictionKeyRecord: Sendable, Equatable {
        /// 0 to 255.
        public var number: UInt8
        /// 16.
        public var bytes: [UInt8]
        /// Milliseconds since 1970.
        public var madeAt: Int64

        static let table = """
            CREATE TABLE prediction_key (number INTEGER PRIMARY KEY, key BLOB NOT NULL, made_at INTEGER NOT NULL);
            """
    }

    /// A key is the newest for so long.
    public static let keyMillis: Int64 = 30 * 86_400_000

    /// The keys that are in force, the oldest first; makes one where there is none or the newest has had its time.
    /// `idMillis`: how long an id is taken.
    public func predictionKeys(now: Int64, idMillis: Int64) throws(StateError) -> [PredictionKeyRecord] {
        try StateError.catching("the keys of prediction ids") {
            let keys = try queue.read { try Self.keys($0) }
            if let newest = keys.last, newest.madeAt + Self.keyMillis > now { return keys }
            return try queue.write { database in
                var keys = try Self.keys(database)
                let number = keys.last.map { $0.number &+ 1 } ?? 0
                let made = PredictionKeyRecord(
                    number: number, bytes: (0..<16).map { _ in .random(in: 0...255) }, madeAt: now)
                keys.removeAll { $0.number == number || $0.madeAt + Self.keyMillis + idMillis < now }
                try database.execute(
                    sql: "DELETE FROM prediction_key WHERE number = ? OR made_at + ? < ?",
                    arguments: [number, Self.keyMillis + idMillis, now])
                try database.execute(
                    sql: "INSERT INTO prediction_key VALUES (?, ?, ?)", arguments: [number, Data(made.bytes), now])
                return keys + [made]
            }
        }
    }

    private static func keys(_ database: Database) throws -> [PredictionKeyRecord] {
        try Row.fetchAll(database, sql: "SELECT number, key, made_at FROM prediction_key ORDER BY made_at, number").map
        {
            row in
            let bytes = Array(row["key"] as Data)
            guard bytes.count == 16, let number = UInt8(exactly: row["number"] as Int64) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a key of prediction ids is not one")
            }
            return PredictionKeyRecord(number: number, bytes: bytes, madeAt: row["made_at"])
        }
    }
}
