// `serin serve`: configuration from three layers, then the gateway, or with --check only the checks.

internal import ArgumentParser
internal import Configuration

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serves the models of a repository.",
        discussion: "Flags win over SERIN_… variables, and those over the file; see config/serin.yaml.")

    @Option(help: ArgumentHelp("The configuration; without it, every default.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("The repository of bundles; overrides repository.", valueName: "folder"))
    var models: String?

    @Option(help: ArgumentHelp("The data plane's port; overrides listen.port.", valueName: "port"))
    var port: String?

    @Option(help: ArgumentHelp("The admin plane's port; overrides admin.port.", valueName: "port"))
    var adminPort: String?

    @Option(help: ArgumentHelp("The port of /metrics; overrides metrics.port.", valueName: "port"))
    var metricsPort: String?

    @Flag(help: "Checks the configuration and every bundle it would load, says what it would do, and ends.")
    var check = false

    @Flag(help: "Takes over from the process that holds state.path, without a request lost.")
    var upgrade = false

    @Flag(help: "Loads bundles whose manifest has a fault: for tests only.")
    var allowFaults = false

    @Option(help: ArgumentHelp("The state's folder; overrides state.path.", valueName: "folder"))
    var state: String?

    func run() throws {
        let configuration = try readConfiguration()
        if check {
            try ServeCheck(configuration: configuration).run()
        } else {
            try runGateway(configuration, isUpgrade: upgrade, reload: load)
        }
    }

    private var flags: [(keyPath: String, flag: String, text: String?)] {
        [
            ("repository", "--models", models), ("listen.port", "--port", port),
            ("admin.port", "--admin-port", adminPort), ("metrics.port", "--metrics-port", metricsPort),
            ("state.path", "--state", state),
        ]
    }

    /// Reads the three layers; again on SIGHUP.
    private func load() throws(ConfigurationError) -> GatewayConfiguration {
        let overrides = flags.compactMap { keyPath, flag, text in
            text.map { ConfigurationOverride(keyPath: keyPath, flag: flag, text: $0) }
        }
        var configuration = try ConfigurationLoader.load(
            file: config, environment: ConfigurationLoader.processEnvironment(), overrides: overrides)
        configuration.allowsFaults = allowFaults
        return configuration
    }

    private func readConfiguration() throws(CommandFailure) -> GatewayConfiguration {
        do throws(ConfigurationError) { return try load() } catch {
            // A wrong flag is wrong usage; a wrong file or variable is a check that failed.
            let isFlag = flags.contains { $0.flag == error.source }
            throw CommandFailure(code: isFlag ? .usage : .checkFailed, message: error.description)
        }
    }
}
