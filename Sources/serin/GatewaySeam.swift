// Where the command hands over to the gateway.

internal import Configuration
internal import Gateway

/// Serves until a signal ends it; a start that fails is exit code 3.
func runGateway(_ configuration: GatewayConfiguration) throws(CommandFailure) {
    do { try GatewayServer.run(configuration) } catch {
        throw CommandFailure(code: .notStarted, message: "\(error)")
    }
}
