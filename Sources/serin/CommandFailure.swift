// How a command fails: one line for stderr, and the exit code.

internal import Configuration

struct CommandFailure: Error {
    enum Code: Int32 {
        case checkFailed = 1
        case usage = 2
        case notStarted = 3
    }

    var code: Code
    var message: String
}

extension CommandFailure {
    /// Runs a check whose failure is exit code 1.
    static func checking<Result>(_ body: () throws(ConfigurationError) -> Result) throws(CommandFailure) -> Result {
        do { return try body() } catch { throw CommandFailure(code: .checkFailed, message: error.description) }
    }
}
