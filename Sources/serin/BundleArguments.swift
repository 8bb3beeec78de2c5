// Which bundles a command is about: NAME, NAME/VERSION, a bundle's folder, or all of a repository.

internal import ArgumentParser
internal import Configuration
internal import Registry

struct BundleArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The repository of bundles.", valueName: "folder"))
    var repository = "models"

    @Flag(help: "JSON for programs.")
    var json = false
}

/// A bundle in a repository, or a folder by itself.
enum BundlePlace {
    case repository(BundleIdentity)
    case folder(String)

    /// NAME is every version of it; what ends in a number and holds a slash may be either.
    static func find(_ text: String, repository: String) throws(CommandFailure) -> [BundlePlace] {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let contents = try? ModelRepository(path: repository).contents()
        let entry = contents?.models.first { $0.name == parts[0] }
        if let entry, parts.count == 1 {
            return entry.versions.map { .repository(BundleIdentity(name: entry.name, version: $0)) }
        }
        if let entry, parts.count == 2, entry.versions.contains(parts[1]) {
            return [.repository(BundleIdentity(name: entry.name, version: parts[1]))]
        }
        if FolderCheck.isFolder(text) { return [.folder(text)] }
        throw CommandFailure(
            code: .checkFailed,
            message: "\(text) is no model or version of \(repository), and no bundle's folder; see serin model list")
    }

    /// Every bundle of a repository.
    static func all(in repository: String) throws(CommandFailure) -> [BundlePlace] {
        let contents = try CommandFailure.checking { () throws(ConfigurationError) in
            try ModelRepository(path: repository).contents()
        }
        contents.warnings.forEach(Terminal.printWarning)
        return contents.models.flatMap { entry in
            entry.versions.map { .repository(BundleIdentity(name: entry.name, version: $0)) }
        }
    }

    var label: String {
        switch self {
        case .repository(let identity): "\(identity.name)/\(identity.version)"
        case .folder(let path): path
        }
    }

    func load(repository: String) throws(ConfigurationError) -> LoadedBundle {
        switch self {
        case .repository(let identity): try ModelRepository(path: repository).load(identity)
        case .folder(let path): try BundleLoader.load(directory: path)
        }
    }
}
