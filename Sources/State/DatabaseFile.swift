// How the files of this module are opened: SQLite with a write-ahead log, each commit synchronous, for its owner alone.

internal import GRDB
internal import Glibc

enum DatabaseFile {
    static func open(_ path: String) throws -> DatabaseQueue {
        let queue = try DatabaseQueue(path: path, configuration: settings)
        chmod(path, 0o600)
        // Not within a transaction.
        try queue.writeWithoutTransaction { database in
            _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        }
        return queue
    }

    static func inMemory() throws -> DatabaseQueue { try DatabaseQueue(configuration: settings) }

    private static var settings: GRDB.Configuration {
        var settings = GRDB.Configuration()
        settings.busyMode = .timeout(5)
        settings.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        return settings
    }
}
