// The audit log: every change, by whom, chained so that nothing of it can be altered or taken out unseen.
//
//     hash(n) = SHA-256( hash(n-1) ‖ for each of sequence, time, actor, … : length ‖ bytes )
//     every 64 lines and at the end: Ed25519 signature of ( "serin audit checkpoint" ‖ sequence ‖ hash )
//
// Who can write the file can write a new chain, but not sign it: the key lies beside the state with mode 0600, and its
// public half can be kept elsewhere. What was appended after the last signature could be cut off unseen: at most 63 lines.

internal import Foundation
internal import GRDB
internal import Glibc
internal import Registry

/// One line, as it is written.
public struct AuditEntry: Sendable, Equatable {
    /// Milliseconds since 1970.
    public var time: Int64
    public var actor: String
    public var origin: String
    public var action: String
    public var model: String
    /// The route or state before and after, as JSON; empty: none.
    public var before: String
    public var after: String
    public var reason: String
    /// `ok`, or why not.
    public var outcome: String

    public init(
        actor: String, origin: String, action: String, model: String = "", before: String = "", after: String = "",
        reason: String = "", outcome: String = "ok", time: Int64? = nil
    ) {
        self.time = time ?? Self.now()
        self.actor = actor
        self.origin = origin
        self.action = action
        self.model = model
        self.before = before
        self.after = after
        self.reason = reason
        self.outcome = outcome
    }

    public static func now() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}

/// One line, as it is read.
public struct AuditRecord: Sendable, Equatable {
    public var sequence: Int64
    public var entry: AuditEntry
    public var hash: [UInt8]
}

/// Which lines to read; empty fields: any.
public struct AuditFilter: Sendable {
    public var model = ""
    public var actor = ""
    public var action = ""
    /// Milliseconds since 1970.
    public var since: Int64 = 0
    /// Lines after this one.
    public var after: Int64 = 0
    public var limit = 1000

    public init() {}
}

/// What `verify` found.
public struct AuditVerdict: Sendable, Equatable {
    public var lines: Int64 = 0
    /// Signatures that hold.
    public var checkpoints = 0
    /// Lines after the last signature.
    public var unsigned: Int64 = 0
    /// The first thing that is wrong; nil: nothing.
    public var fault: String?
}

enum AuditLog {
    static let checkpointLines: Int64 = 64
    private static let origin = [UInt8](repeating: 0, count: SHA256Digest.byteCount)

    static func hash(after previous: [UInt8], _ sequence: Int64, _ entry: AuditEntry) -> [UInt8] {
        var bytes = previous
        let texts = [
            String(sequence), String(entry.time), entry.actor, entry.origin, entry.action, entry.model, entry.before,
            entry.after, entry.reason, entry.outcome,
        ]
        for text in texts {
            withUnsafeBytes(of: UInt64(text.utf8.count).bigEndian) { bytes += $0 }
            bytes += Array(text.utf8)
        }
        return SHA256Digest(of: bytes).bytes
    }

    private static func last(_ database: Database) throws -> (sequence: Int64, hash: [UInt8]) {
        guard
            let row = try Row.fetchOne(database, sql: "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
        else { return (0, origin) }
        return (row["sequence"], Array(row["hash"] as Data))
    }

    static func append(_ entry: AuditEntry, to database: Database, _ signer: CheckpointSigner) throws {
        let (sequence, previous) = try last(database)
        let hash = hash(after: previous, sequence + 1, entry)
        try database.execute(
            sql: "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                sequence + 1, entry.time, entry.actor, entry.origin, entry.action, entry.model, entry.before,
                entry.after, entry.reason, entry.outcome, Data(hash),
            ])
        if (sequence + 1) % checkpointLines == 0 { try checkpoint(database, signer) }
    }

    /// Signs the last line, unless it is signed.
    static func checkpoint(_ database: Database, _ signer: CheckpointSigner) throws {
        let (sequence, hash) = try last(database)
        guard sequence > 0 else { return }
        let signature = try signer.sign(CheckpointSigner.message(sequence, hash))
        try database.execute(
            sql: "INSERT OR IGNORE INTO checkpoint VALUES (?, ?, ?)",
            arguments: [sequence, AuditEntry.now(), Data(signature)])
    }

    static func record(_ row: Row) -> AuditRecord {
        AuditRecord(
            sequence: row["sequence"],
            entry: AuditEntry(
                actor: row["actor"], origin: row["origin"], action: row["action"], model: row["model"],
                before: row["before"], after: row["after"], reason: row["reason"], outcome: row["outcome"],
                time: row["time"]), hash: Array(row["hash"] as Data))
    }

    static func verify(_ database: Database, _ key: [UInt8]) throws -> AuditVerdict {
        var verdict = AuditVerdict()
        var previous = origin
        var hashes: [Int64: [UInt8]] = [:]
        let signatures = try Row.fetchAll(database, sql: "SELECT sequence, signature FROM checkpoint ORDER BY sequence")
        let signed = Set(signatures.map { $0["sequence"] as Int64 })
        let cursor = try Row.fetchCursor(database, sql: "SELECT * FROM audit ORDER BY sequence")
        while let row = try cursor.next() {
            let record = record(row)
            guard record.sequence == verdict.lines + 1 else {
                verdict.fault = "line \(verdict.lines + 1) is missing"
                return verdict
            }
            guard record.hash == hash(after: previous, record.sequence, record.entry) else {
                verdict.fault = "line \(record.sequence) was changed, or one before it"
                return verdict
            }
            previous = record.hash
            verdict.lines = record.sequence
            if signed.contains(record.sequence) { hashes[record.sequence] = record.hash }
        }
        for row in signatures {
            let sequence: Int64 = row["sequence"]
            guard let hash = hashes[sequence] else {
                verdict.fault = "line \(sequence) was signed, and the log ends at \(verdict.lines): lines were cut off"
                return verdict
            }
            let message = CheckpointSigner.message(sequence, hash)
            guard Ed25519.verify(message, signature: Array(row["signature"] as Data), key: key) else {
                verdict.fault = "the signature at line \(sequence) is not this key's"
                return verdict
            }
            verdict.checkpoints += 1
        }
        verdict.unsigned = verdict.lines - (signed.max() ?? 0)
        return verdict
    }
}

extension StateStore {
    /// Lines in their order.
    public func audit(_ filter: AuditFilter) throws(StateError) -> [AuditRecord] {
        try StateError.catching("the audit log") {
            try queue.read { database in
                let sql = """
                    SELECT * FROM audit WHERE sequence > :after AND time >= :since AND (:model = '' OR model = :model)
                    AND (:actor = '' OR actor = :actor) AND (:action = '' OR action = :action)
                    ORDER BY sequence LIMIT :limit
                    """
                return try Row.fetchAll(
                    database, sql: sql,
                    arguments: [
                        "after": filter.after, "since": filter.since, "model": filter.model, "actor": filter.actor,
                        "action": filter.action, "limit": filter.limit,
                    ]
                ).map(AuditLog.record)
            }
        }
    }

    /// Follows the chain from its first line. `key`: the public half to believe; nil: the state's own.
    public func verifyAudit(key: [UInt8]? = nil) throws(StateError) -> AuditVerdict {
        let key = key ?? signer.publicKey
        return try StateError.catching("the audit log") {
            try queue.read { database in try AuditLog.verify(database, key) }
        }
    }
}

extension StateStore {
    /// Checks the log of a folder, which a gateway may be using, and writes nothing.
    public static func verifyAudit(folder: String, key: [UInt8]?) throws(StateError) -> AuditVerdict {
        let path = "\(folder)/\(fileName)"
        guard access(path, R_OK) == 0 else { throw StateError("\(path): \(String(cString: strerror(errno)))") }
        var believed = key
        if believed == nil {
            let file = "\(folder)/\(CheckpointSigner.publicName)"
            guard let text = FileManager.default.contents(atPath: file), let own = Ed25519.publicKey(text: Array(text))
            else { throw StateError("\(file): is no Ed25519 public key") }
            believed = own
        }
        let trusted = believed ?? []
        return try StateError.catching(path) {
            var settings = GRDB.Configuration()
            settings.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: settings)
            return try queue.read { database in try AuditLog.verify(database, trusted) }
        }
    }
}
