// The files of a result, opened before the run: a path that cannot be written costs no run, and one that fails after it
// costs no other file.

internal import Configuration
internal import Glibc

struct ResultFiles: Sendable {
    private struct File {
        var option: String
        var path: String
        var descriptor: Int32
        /// It was not there before.
        var isNew: Bool
    }

    private var files: [File] = []

    /// - Parameter paths: by option; `-` is standard output.
    init(_ paths: [(option: String, path: String?)]) throws(CommandFailure) {
        for case (let option, let path?) in paths {
            do throws(CommandFailure) {
                if let other = files.first(where: { $0.path == path }) {
                    let name = path == "-" ? "standard output" : path
                    throw CommandFailure(code: .usage, message: "\(option): \(other.option) goes to \(name) already")
                }
                files.append(try Self.open(option, path))
            } catch {
                removeEmpty()
                throw error
            }
        }
    }

    var takesStandardOutput: Bool { files.contains { $0.path == "-" } }

    /// What was there before stays until the result is written.
    private static func open(_ option: String, _ path: String) throws(CommandFailure) -> File {
        if path == "-" { return File(option: option, path: path, descriptor: STDOUT_FILENO, isNew: false) }
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC
        var descriptor = Glibc.open(path, flags | O_EXCL, 0o666)
        let isNew = descriptor >= 0
        if !isNew && errno == EEXIST { descriptor = Glibc.open(path, flags, 0o666) }
        guard descriptor >= 0 else {
            throw CommandFailure(
                code: .usage, message: "\(option): \(path) cannot be written: \(FileBytes.reason(errno))")
        }
        return File(option: option, path: path, descriptor: descriptor, isNew: isNew)
    }

    /// Writes what belongs to each option; what failed, a sentence each.
    func write(_ texts: [String: () -> String]) -> [String] {
        var failures: [String] = []
        for file in files {
            guard let text = texts[file.option] else { continue }
            let code = Self.write(text(), to: file.descriptor)
            if code == 0 { continue }
            let name = file.path == "-" ? "standard output" : file.path
            failures.append("\(file.option): \(name) cannot be written: \(FileBytes.reason(code))")
        }
        return failures
    }

    /// Takes away what was made and not written: an empty file is no result.
    func removeEmpty() {
        for file in files where file.isNew {
            var status = stat()
            if fstat(file.descriptor, &status) == 0, status.st_size == 0 { unlink(file.path) }
        }
    }

    /// 0 or an errno.
    private static func write(_ text: String, to descriptor: Int32) -> Int32 {
        var status = stat()
        let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        if isFile, descriptor != STDOUT_FILENO, ftruncate(descriptor, 0) != 0 { return errno }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : EIO }
            bytes = bytes.dropFirst(count)
        }
        return 0
    }
}
