// Small files of the control plane, read whole and within a bound.

internal import Glibc

public enum FileBytes {
    /// All bytes of a file that an operator named.
    /// - Throws: where it cannot be read, is not a regular file, or is over `limit` bytes.
    public static func read(_ path: String, limit: Int) throws(ConfigurationError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ConfigurationError(source: path, message: "cannot be opened: \(reason(errno))")
        }
        defer { close(descriptor) }
        return try read(descriptor: descriptor, name: path, limit: limit)
    }

    /// All bytes behind a descriptor, from its position on; the descriptor stays open.
    public static func read(descriptor: Int32, name: String, limit: Int) throws(ConfigurationError) -> [UInt8] {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ConfigurationError(source: name, message: "is not a regular file")
        }
        guard Int(status.st_size) <= limit else {
            throw ConfigurationError(
                source: name, message: "has \(status.st_size) bytes, more than the \(limit) that are read")
        }
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
            failure = fill(buffer, count: &count, from: descriptor)
        }
        guard failure == 0 else {
            throw ConfigurationError(source: name, message: "cannot be read: \(reason(failure))")
        }
        return bytes
    }

    /// Reads until the buffer is full or the file ends; 0 or an errno.
    private static func fill(
        _ buffer: UnsafeMutableBufferPointer<UInt8>, count: inout Int, from descriptor: Int32
    ) -> Int32 {
        while count < buffer.count {
            // SAFETY: `count` stays within the buffer.
            let got = Glibc.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
            if got < 0 && errno == EINTR { continue }
            if got < 0 { return errno }
            if got == 0 { break }
            count += got
        }
        return 0
    }

    /// The system's words for an errno.
    public static func reason(_ code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            // SAFETY: the XSI form of strerror_r writes at most the buffer, with its final zero.
            let failed = strerror_r(code, buffer.baseAddress!, buffer.count)
            return failed == 0 ? String(cString: buffer.baseAddress!) : "error \(code)"
        }
    }
}
