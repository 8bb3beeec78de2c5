// Where the command hands over to the gateway.

internal import Configuration
internal import Gateway

/// Serves until a signal ends it; throws where it cannot start.
func runGateway(_ configuration: GatewayConfiguration) throws {
    try GatewayServer.run(configuration)
}
