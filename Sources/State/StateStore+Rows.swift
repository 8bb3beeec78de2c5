// Rows of the state, and the digest that each of them carries: SQLite checks how its pages hang together, not that a text
// is still the one that was written.

internal import Foundation
internal import GRDB
internal import Registry

extension StateStore {
    /// Throws SQLite's "corrupted" where a row is not what was written.
    static func checkRows(_ database: Database) throws {
        for row in try Row.fetchAll(database, sql: "SELECT * FROM model") where ModelRecord(row).sum != row["sum"] {
            throw damaged("the route of a model")
        }
        for row in try Row.fetchAll(database, sql: "SELECT * FROM version") where VersionRecord(row).sum != row["sum"] {
            throw damaged("the record of a version")
        }
    }

    private static func damaged(_ what: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(what) is not what was written")
    }

    /// SHA-256 over texts, each with its length.
    fileprivate static func sum(_ texts: [String?]) -> Data {
        var bytes: [UInt8] = []
        for text in texts {
            let content = text.map { Array($0.utf8) }
            withUnsafeBytes(of: Int64(content?.count ?? -1).littleEndian) { bytes += $0 }
            bytes += content ?? []
        }
        return Data(SHA256Digest(of: bytes).bytes)
    }
}

extension StateStore.ModelRecord {
    init(_ row: Row) {
        self.init(
            name: Self.text(row, "name") ?? "",
            generation: UInt64(bitPattern: Int64.fromDatabaseValue(row["generation"]) ?? 0),
            route: Self.text(row, "route") ?? "", previous: Self.text(row, "previous"),
            pinnedUntil: Int64.fromDatabaseValue(row["pinned_until"]))
    }

    /// nil also where a damaged file has something else.
    private static func text(_ row: Row, _ column: String) -> String? { String.fromDatabaseValue(row[column]) }

    var sum: Data { StateStore.sum([name, "\(generation)", route, previous, pinnedUntil.map { "\($0)" }]) }
}

extension StateStore.VersionRecord {
    init(_ row: Row) {
        self.init(
            model: Self.text(row, "model"), version: Self.text(row, "version"),
            isWanted: Bool.fromDatabaseValue(row["wanted"]) ?? false, digest: Self.text(row, "digest"))
    }

    private static func text(_ row: Row, _ column: String) -> String { String.fromDatabaseValue(row[column]) ?? "" }

    var sum: Data { StateStore.sum([model, version, isWanted ? "1" : "0", digest]) }
}
