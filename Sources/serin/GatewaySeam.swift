// Where the command hands over to the gateway.

internal import Configuration
internal import Gateway

/// Serves until a signal ends it; a start that fails is exit code 3.
func runGateway(
    _ configuration: GatewayConfiguration, isUpgrade: Bool,
    reload: @escaping () throws(ConfigurationError) -> GatewayConfiguration
) throws(CommandFailure) {
    do { try GatewayServer.run(configuration, isUpgrade: isUpgrade, reload: reload) } catch {
        throw CommandFailure(code: .notStarted, message: "\(error)")
    }
}

/// What is wrong with the TLS port's files, a sentence each.
func problemsOfTLS(_ configuration: GatewayConfiguration) -> [String] {
    configuration.tls.isOn ? TLSCheck.problems(configuration.tls) : []
}

/// What is wrong with the files that triggers and plans for new versions name, a sentence each.
func problemsOfTriggers(_ configuration: GatewayConfiguration) -> [String] { TriggerCheck.problems(configuration) }

/// Threads that this machine, or this container's share of one, can feed.
func processorCount() -> Int { ReactorCount.available() }

/// One can be kept awake without being missed.
func hasProcessorToSpare() -> Bool { ReactorCount.hasOneToSpare() }
