// Writing into an open folder.

internal import Configuration
internal import Glibc

extension Directory {
    /// Writes a new file.
    /// - Parameters:
    ///   - replacing: what is there already is replaced; else it is an error.
    ///   - durable: on disk when this returns.
    func write(
        _ bytes: [UInt8], to name: String, mode: mode_t, replacing: Bool, durable: Bool
    ) throws(ConfigurationError) {
        let place = "\(path)/\(name)"
        func failed() -> ConfigurationError {
            ConfigurationError(source: place, message: "cannot be written: \(FileBytes.reason(errno))")
        }
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (replacing ? O_TRUNC : O_EXCL)
        let file = openat(descriptor, name, flags, mode)
        guard file >= 0 else { throw failed() }
        defer { close(file) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + written, bytes.count - written) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failed() }
            written += count
        }
        if durable && fsync(file) != 0 { throw failed() }
    }

    /// The folder's own entries are on disk when this returns.
    func synchronize() throws(ConfigurationError) {
        guard fsync(descriptor) == 0 else {
            throw ConfigurationError(source: path, message: "cannot be written: \(FileBytes.reason(errno))")
        }
    }
}
