// The lock of `state.path`: of all processes that share the folder, exactly one is the active one.
//
// flock(2) belongs to an open file, not to a process: whoever is handed a copy of the descriptor holds the same lock, and
// it is free when the last copy is closed, however its process ends.

import Glibc

struct StateLock {
    let descriptor: Int32

    enum Outcome {
        case taken(StateLock)
        /// Another process has it; its id, where it can be read.
        case held(by: String)
    }

    /// Makes the folder where there is none, for its owner only.
    static func acquire(_ folder: String) throws(StartError) -> Outcome {
        if mkdir(folder, 0o700) != 0 && errno != EEXIST { throw failure(folder, "cannot be made") }
        let path = folder + "/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
            let lock = StateLock(descriptor: descriptor)
            lock.sign()
            return .taken(lock)
        }
        defer { close(descriptor) }
        guard errno == EWOULDBLOCK else { throw failure(path, "cannot be locked") }
        var text = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &text, text.count, 0)
        return .held(by: String(decoding: text.prefix(max(count, 0)), as: UTF8.self).filter(\.isNumber))
    }

    private static func failure(_ path: String, _ what: String) -> StartError {
        StartError(description: "\(path) \(what): \(String(cString: strerror(errno)))")
    }

    /// Writes the holder's process id into the file, for people.
    func sign() {
        let text = "\(getpid())\n"
        ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.utf8.count, 0)
    }

    func release() { close(descriptor) }
}
