// A file that is written from its beginning to its end, or from where a checkpoint says.

internal import Configuration
internal import Glibc

final class OutputFile {
    let path: String
    private(set) var count: Int
    private let descriptor: Int32

    /// Opens the file and cuts off what is behind `count` bytes.
    /// - Throws: where it has fewer, another process writes it, or it cannot be opened.
    init(path: String, count: Int) throws(ConfigurationError) {
        self.path = path
        self.count = count
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failed(path, errno) }
        do throws(ConfigurationError) {
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                throw ConfigurationError(source: path, message: "is being written by another process")
            }
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw ConfigurationError(source: path, message: "is not a regular file")
            }
            guard Int(status.st_size) >= count else {
                throw ConfigurationError(
                    source: path, message: "is shorter than its checkpoint says; --restart begins anew")
            }
            guard ftruncate(descriptor, off_t(count)) == 0 else { throw Self.failed(path, errno) }
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    func append(_ bytes: UnsafeRawBufferPointer) throws(ConfigurationError) {
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            let written = pwrite(descriptor, base, rest.count, off_t(count))
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw Self.failed(path, errno) }
            count += written
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
        }
    }

    func append(_ text: String) throws(ConfigurationError) {
        let bytes = Array(text.utf8)
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(ConfigurationError) in try append(bytes) }
        }
        try result.get()
    }

    func synchronize() throws(ConfigurationError) {
        guard fdatasync(descriptor) == 0 else { throw Self.failed(path, errno) }
    }

    private static func failed(_ path: String, _ code: Int32) -> ConfigurationError {
        ConfigurationError(
            source: path, message: "cannot be written: \(FileBytes.reason(code)); the same command goes on from here")
    }
}
