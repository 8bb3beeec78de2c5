// Why a load test could not be made, or could not go on: never a finding about the target's latency.

public import Configuration

public enum LoadTestError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The scenario, a bundle or a file is wrong.
    case configuration(ConfigurationError)
    /// Nobody answers, or not as the scenario says.
    case unreachable(String)

    public var description: String {
        switch self {
        case .configuration(let error): error.description
        case .unreachable(let message): message
        }
    }
}
