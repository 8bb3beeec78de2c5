// The files of `listen.tls`: read, looked at for changes, judged by their permissions.

import CLinux
import Configuration
import Glibc
import TLS

enum TLSFiles {
    /// Revocation lists of large authorities have a few MiB.
    static let bytesMax = 32 << 20

    /// Reads every file; throws at the first that cannot be read.
    static func settings(_ tls: TLSConfiguration) throws(ConfigurationError) -> TLSSettings {
        var pairs: [TLSSettings.KeyPair] = []
        for files in tls.certificates {
            pairs.append(TLSSettings.KeyPair(certificate: try read(files.certificate), key: try read(files.key)))
        }
        var settings = TLSSettings(certificates: pairs)
        settings.minimumVersion = tls.isTLS13Only ? .tls13 : .tls12
        settings.ciphers = tls.ciphers ?? TLSSettings.standardCiphers
        settings.suites = tls.suites ?? TLSSettings.standardSuites
        switch tls.clientAuthentication {
        case .off: settings.clientAuthentication = .off
        case .optional: settings.clientAuthentication = .optional
        case .required: settings.clientAuthentication = .required
        }
        if let authorities = tls.authorities { settings.authorities = try read(authorities) }
        for revocation in tls.revocations { settings.revocations.append(try read(revocation)) }
        settings.clients = tls.clients
        settings.ticketNanos = tls.ticketRotationNanos
        settings.handshakeNanos = tls.handshakeNanos
        return settings
    }

    private static func read(_ path: String) throws(ConfigurationError) -> NamedBytes {
        NamedBytes(name: path, bytes: try FileBytes.read(path, limit: bytesMax))
    }

    /// What changes when a file does: a link to another file, or another time or size of the same.
    struct Mark: Equatable {
        var device: UInt64 = 0
        var inode: UInt64 = 0
        var size = 0
        var seconds = 0
        var nanos = 0
    }

    static func marks(_ tls: TLSConfiguration) -> [Mark] {
        tls.files.map { path in
            var status = stat()
            guard stat(path, &status) == 0 else { return Mark() }
            return Mark(
                device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int(status.st_size),
                seconds: Int(status.st_mtim.tv_sec), nanos: Int(status.st_mtim.tv_nsec))
        }
    }

    /// Keys that more than their owner and its group may use.
    static func weakPermissions(_ tls: TLSConfiguration) -> [String] {
        tls.certificates.compactMap { files in
            var status = stat()
            guard stat(files.key, &status) == 0, status.st_mode & 0o027 != 0 else { return nil }
            let mode = String(status.st_mode & 0o777, radix: 8)
            return "\(files.key): the key has mode \(mode); expected 600, or 640 at most"
        }
    }
}
