// The command: parse, run, and end with an exit code that scripts can tell apart.
//
//     0 fine   1 the check failed   2 wrong usage   3 could not reach or start
//
// Errors go to stderr as one line that says what to do.

internal import ArgumentParser
internal import Glibc

#if canImport(CJemalloc)
    internal import CJemalloc
#endif

do {
    var command = try SerinCommand.parseAsRoot()
    try command.run()
} catch let failure as CommandFailure {
    Terminal.printError(failure.message)
    exit(failure.code.rawValue)
} catch {
    finish(with: error)
}

/// Help and version are fine; what ArgumentParser refuses is wrong usage.
func finish(with error: any Error) -> Never {
    let code = SerinCommand.exitCode(for: error)
    guard code != .success else { SerinCommand.exit(withError: error) }
    let isUsage = code == .validationFailure
    Terminal.printError(isUsage ? SerinCommand.message(for: error) + "; see serin --help" : "\(error)")
    exit(isUsage ? CommandFailure.Code.usage.rawValue : CommandFailure.Code.checkFailed.rawValue)
}
