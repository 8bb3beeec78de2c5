// A folder held open, so that what is checked and what is read are the same.
//
// Names are resolved against the open folder and never through symbolic links: a bundle cannot
// reach outside itself, and a rename of the folder in between changes nothing.

internal import Configuration
internal import Glibc

struct Directory: ~Copyable {
    struct Entry: Equatable {
        enum Kind { case file, folder, link, other }
        var name: String
        var kind: Kind
    }

    /// As errors name it.
    let path: String
    let descriptor: Int32

    /// Opens a folder by path; the path itself may lead through links, as the operator's choice.
    init(path: String) throws(ConfigurationError) {
        try self.init(descriptor: open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path: path)
    }

    /// Opens a folder inside another one, which must not be a link.
    init(_ name: String, in parent: borrowing Directory) throws(ConfigurationError) {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW
        try self.init(descriptor: openat(parent.descriptor, name, flags), path: "\(parent.path)/\(name)")
    }

    private init(descriptor: Int32, path: String) throws(ConfigurationError) {
        guard descriptor >= 0 else {
            throw ConfigurationError(source: path, message: "cannot be opened as a folder: \(FileBytes.reason(errno))")
        }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// What the folder holds, by name; `.` and `..` left out.
    func entries() throws(ConfigurationError) -> [Entry] {
        // A descriptor of its own: closedir closes it, and reading moves its position.
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else {
            throw ConfigurationError(source: path, message: "cannot be listed: \(FileBytes.reason(errno))")
        }
        defer { closedir(stream) }
        var entries: [Entry] = []
        while let entry = readdir(stream) {
            // SAFETY: d_name is a C string inside the entry, valid until the next readdir.
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { entries.append(Entry(name: name, kind: kind(of: name))) }
        }
        return entries.sorted { $0.name < $1.name }
    }

    private func kind(of name: String) -> Entry.Kind {
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return .other }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        case S_IFLNK: return .link
        default: return .other
        }
    }

    /// Opens a regular file of the folder and hands over its descriptor.
    func withFile<Result>(
        _ name: String, _ body: (Int32, String) throws(ConfigurationError) -> Result
    ) throws(ConfigurationError) -> Result {
        let place = "\(path)/\(name)"
        // O_NONBLOCK: a pipe put here must not hold the open up; fstat then refuses it.
        let file = openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else {
            throw ConfigurationError(source: place, message: "cannot be opened: \(FileBytes.reason(errno))")
        }
        defer { close(file) }
        return try body(file, place)
    }

    /// The content of a file.
    func read(_ name: String, limit: Int) throws(ConfigurationError) -> [UInt8] {
        try withFile(name) { (file, place) throws(ConfigurationError) in
            try FileBytes.read(descriptor: file, name: place, limit: limit)
        }
    }

    /// The digest of a file of any size, through a buffer of 256 KiB.
    func digest(of name: String) throws(ConfigurationError) -> SHA256Digest {
        try withFile(name) { (file, place) throws(ConfigurationError) in
            var hasher = SHA256Hasher()
            var status = stat()
            guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw ConfigurationError(source: place, message: "is not a regular file")
            }
            var buffer = [UInt8](repeating: 0, count: 256 << 10)
            while true {
                let got = Glibc.read(file, &buffer, buffer.count)
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else {
                    throw ConfigurationError(source: place, message: "cannot be read: \(FileBytes.reason(errno))")
                }
                if got == 0 { return hasher.finish() }
                buffer.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<got])) }
            }
        }
    }
}
