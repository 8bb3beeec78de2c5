// A hidden folder beside the versions, which becomes one by a rename.

internal import Configuration
internal import Glibc

struct StagingFolder: ~Copyable {
    /// The model's folder, models/NAME.
    private let parent: Directory
    private let folder: Directory
    private let name: String
    private let repository: String
    private let modelName: String

    init(_ request: BundleImport) throws(ConfigurationError) {
        let modelFolder = "\(request.repository)/\(request.identity.name)"
        for path in [request.repository, modelFolder] {
            guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
                throw ConfigurationError(source: path, message: "cannot be made: \(FileBytes.reason(errno))")
            }
        }
        let parent = try Directory(request.identity.name, in: Directory(path: request.repository))
        let name = ".\(request.identity.version).\(getpid())"
        guard mkdirat(parent.descriptor, name, 0o755) == 0 else {
            let reason = FileBytes.reason(errno)
            throw ConfigurationError(source: "\(modelFolder)/\(name)", message: "cannot be made: \(reason)")
        }
        folder = try Directory(name, in: parent)
        self.parent = parent
        self.name = name
        repository = request.repository
        modelName = request.identity.name
    }

    /// A new file, on disk when this returns.
    func write(_ bytes: [UInt8], to name: String) throws(ConfigurationError) {
        try folder.write(bytes, to: name, mode: 0o644, replacing: false, durable: true)
    }

    /// Gives the folder its name; fails where another import was faster.
    func publish(as version: String) throws(ConfigurationError) {
        try folder.synchronize()
        guard renameat(parent.descriptor, name, parent.descriptor, version) == 0 else {
            let reason = FileBytes.reason(errno)
            throw ConfigurationError(source: "\(parent.path)/\(version)", message: "cannot be made: \(reason)")
        }
    }

    /// The new name is on disk when this returns.
    func confirm() throws(ConfigurationError) {
        try parent.synchronize()
        try Directory(path: repository).synchronize()
    }

    /// Takes back what was written, as far as that is possible.
    func remove() {
        for entry in (try? folder.entries()) ?? [] { unlinkat(folder.descriptor, entry.name, 0) }
        unlinkat(parent.descriptor, name, AT_REMOVEDIR)
        // Succeeds only where this import made the model's folder, or left it empty.
        rmdir("\(repository)/\(modelName)")
    }
}
