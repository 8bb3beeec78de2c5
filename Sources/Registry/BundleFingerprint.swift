// Whether a bundle's files are all there, and what they are, without reading them: for whoever waits for a copy to end.
//
//     SHA256SUMS, and name, size and time of every file ─► a fingerprint; the same twice: nobody writes any more
//
// `serin model import` makes a bundle appear whole, by a rename. A plain copy does not: it begins with any of the files,
// and stands still as long as the network does, so a copy that looks whole and is not is refused when it is loaded, and
// tried again when it has changed.

public import Configuration
internal import Glibc

public enum BundlePresence: Sendable, Equatable {
    /// What is missing.
    case incomplete(String)
    case whole(fingerprint: String)
}

extension ModelRepository {
    /// Looks at a version's folder.
    public func presence(of identity: BundleIdentity) throws(ConfigurationError) -> BundlePresence {
        precondition(ModelIdentifier.isName(identity.name) && ModelIdentifier.versionNumber(identity.version) != nil)
        let folder = try Directory(identity.version, in: Directory(identity.name, in: Directory(path: path)))
        let entries = try folder.entries()
        guard entries.contains(where: { $0.name == ChecksumList.fileName }) else {
            return .incomplete("\(ChecksumList.fileName) is not there yet")
        }
        let list = try folder.read(ChecksumList.fileName, limit: BundleLoader.checksumBytesMax)
        // A list that cannot be read is the loader's to refuse.
        let names = (try? ChecksumList(parsing: list, source: folder.path))?.files.map(\.name) ?? []
        if let missing = names.first(where: { name in !entries.contains { $0.name == name } }) {
            return .incomplete("\(missing) is not there yet")
        }
        var marks = list
        for entry in entries {
            var status = stat()
            guard fstatat(folder.descriptor, entry.name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                return .incomplete("\(entry.name) comes and goes")
            }
            let time = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
            marks += Array("\n\(entry.name) \(status.st_size) \(time)".utf8)
        }
        return .whole(fingerprint: SHA256Digest(of: marks).description)
    }
}
