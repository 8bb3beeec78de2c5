import Foundation
import Primitives
import TLS

/// The test authority's files, made once by the script that `make certs` runs.
enum Certificates {
    static let folder: URL = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = FileManager.default.temporaryDirectory.appending(path: "serin-tls-\(getpid())")
        let script = Process()
        script.executableURL = root.appending(path: ".ci/certs")
        script.arguments = [folder.path]
        do { try script.run() } catch { preconditionFailure("\(error)") }
        script.waitUntilExit()
        precondition(script.terminationStatus == 0, "openssl could not make the certificates")
        return folder
    }()

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
