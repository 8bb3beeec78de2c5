import Foundation
import Primitives
import TLS

/// The test authority's files, made once by the script that `make certs` runs.
enum Certificates {
    static let folder: URL = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = FileManager.default.temporaryDirectory.appending(path: "serin-tls-\(getpid())")
        precondition(run(root.appending(path: ".ci/certs").path, folder.path) == 0, "openssl made no certificates")
        return folder
    }()

    /// The exit code of a command with one argument.
    private static func run(_ command: String, _ argument: String) -> Int32 {
        var (process, status) = (pid_t(), Int32(0))
        var words = [strdup(command), strdup(argument), nil]
        var environment = [strdup("PATH=/usr/local/bin:/usr/bin:/bin"), nil]
        defer { for word in words + environment { free(word) } }
        guard posix_spawn(&process, command, nil, nil, &words, &environment) == 0 else { return -1 }
        return waitpid(process, &status, 0) == process ? status : -1
    }

    static func file(_ name: String) -> NamedBytes {
        let bytes = (try? Data(contentsOf: folder.appending(path: name))).map { [UInt8]($0) } ?? []
        return NamedBytes(name: name, bytes: bytes)
    }

    static func path(_ name: String) -> String { folder.appending(path: name).path }

    static func pair(_ name: String) -> TLSSettings.KeyPair {
        TLSSettings.KeyPair(certificate: file("\(name).pem"), key: file("\(name).key"))
    }

    static func settings(_ names: String..., change: (inout TLSSettings) -> Void = { _ in }) -> TLSSettings {
        var settings = TLSSettings(certificates: names.map(pair))
        change(&settings)
        return settings
    }

    /// Client certificates of the test authority are required.
    static func mutual(_ change: (inout TLSSettings) -> Void = { _ in }) -> TLSSettings {
        settings("server") { settings in
            settings.clientAuthentication = .required
            settings.authorities = file("ca.pem")
            change(&settings)
        }
    }
}
