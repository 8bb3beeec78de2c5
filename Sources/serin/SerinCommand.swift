// `serin` and its tree of subcommands.

internal import ArgumentParser
internal import Gateway

struct SerinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serin", abstract: "A low-latency inference gateway.", version: "serin \(GatewayServer.version)",
        subcommands: [
            ServeCommand.self, ModelCommand.self, ScoreCommand.self, ReplayCommand.self, LoadTestCommand.self,
            RolloutGroup.self, ControlCommand.self, AuditCommand.self,
        ])
}

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Imports, inspects, verifies and lists bundles.",
        subcommands: [ImportCommand.self, InspectCommand.self, VerifyCommand.self, ListCommand.self])
}
