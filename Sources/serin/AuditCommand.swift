// `serin audit verify`: the chain of the audit log and its signatures, read from the state itself.

internal import ArgumentParser
internal import Configuration
internal import Registry
internal import State

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Checks the audit log.", subcommands: [AuditVerifyCommand.self])
}

struct AuditVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Follows the audit log's hash chain and checks its signatures.",
        discussion: "Exit code 1 where a line was changed, is missing or was cut off.")

    @Option(help: ArgumentHelp("The folder of state.path.", valueName: "folder"))
    var state: String

    @Option(
        help: ArgumentHelp(
            "The public key to believe (64 hexadecimal digits or PEM); default: the state's own.", valueName: "file"))
    var key: String?

    @Flag(help: "Prints JSON.")
    var json = false

    func run() throws {
        var publicKey: [UInt8]?
        if let key {
            let text = try CommandFailure.checking { () throws(ConfigurationError) in
                try FileBytes.read(key, limit: 65536)
            }
            publicKey = Ed25519.publicKey(text: text)
            if publicKey == nil { throw CommandFailure(code: .usage, message: "\(key): is no Ed25519 public key") }
        }
        let verdict: AuditVerdict
        do { verdict = try StateStore.verifyAudit(folder: state, key: publicKey) } catch {
            throw CommandFailure(code: .checkFailed, message: "\(error)")
        }
        if json {
            print(
                JSONText.object([
                    ("lines", .number(Int(verdict.lines))), ("checkpoints", .number(verdict.checkpoints)),
                    ("unsigned", .number(Int(verdict.unsigned))), ("fault", .optional(verdict.fault)),
                ]).encoded)
        } else if verdict.fault == nil {
            print(
                "fine: \(verdict.lines) lines, \(verdict.checkpoints) signatures; \(verdict.unsigned) lines after the last one"
            )
        }
        if let fault = verdict.fault { throw CommandFailure(code: .checkFailed, message: "\(state): \(fault)") }
    }
}
