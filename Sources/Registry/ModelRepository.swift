// The folder of bundles, as Triton and TensorFlow Serving lay it out:
//
//     models/fraud/1/  models/fraud/2/     a model and its versions
//     models/train/…                       no numeric children: not a model, skipped
//     models/.fraud-1.x                    hidden: an import under way, skipped

public import Configuration
internal import Glibc

public struct ModelRepository: Sendable {
    /// A model and its versions, the lowest number first.
    public struct Entry: Sendable, Equatable {
        public let name: String
        public let versions: [String]
    }

    /// What the repository holds, and what was odd about it.
    public struct Contents: Sendable, Equatable {
        public var models: [Entry] = []
        public var warnings: [String] = []
    }

    public let path: String

    public init(path: String) { self.path = path }

    /// Lists models and versions; opens no bundle.
    public func contents() throws(ConfigurationError) -> Contents {
        let root = try Directory(path: path)
        var contents = Contents()
        for entry in try root.entries() where !entry.name.hasPrefix(".") {
            if entry.kind == .link {
                contents.warnings.append("\(path)/\(entry.name) is a symbolic link, so it is skipped")
            }
            guard entry.kind == .folder else { continue }
            let versions = try versions(of: Directory(entry.name, in: root), warnings: &contents.warnings)
            if versions.isEmpty { continue }
            guard ModelIdentifier.isName(entry.name) else {
                contents.warnings.append(
                    "\(path)/\(entry.name) is skipped: a model's name is \(ModelIdentifier.nameExpectation)")
                continue
            }
            contents.models.append(Entry(name: entry.name, versions: versions))
        }
        return contents
    }

    private func versions(
        of folder: borrowing Directory, warnings: inout [String]
    ) throws(ConfigurationError) -> [String] {
        var numbers: [Int64] = []
        for entry in try folder.entries() {
            guard entry.name.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { continue }
            let place = "\(folder.path)/\(entry.name)"
            if entry.kind != .folder {
                warnings.append("\(place) is not a folder, so it is skipped")
            } else if let number = ModelIdentifier.versionNumber(entry.name) {
                numbers.append(number)
            } else {
                warnings.append("\(place) is skipped: a version is \(ModelIdentifier.versionExpectation)")
            }
        }
        return numbers.sorted().map(String.init)
    }

    /// The folder of a bundle. Both parts must be valid, so that it lies in the repository.
    public func directory(of identity: BundleIdentity) -> String {
        precondition(ModelIdentifier.isName(identity.name) && ModelIdentifier.versionNumber(identity.version) != nil)
        return "\(path)/\(identity.name)/\(identity.version)"
    }

    /// Loads a bundle; no part of its path in the repository may be a symbolic link.
    public func load(
        _ identity: BundleIdentity, cache: ImageCache? = nil, requireGolden: Bool = false,
        signature: SignaturePolicy = .none, keepsSource: Bool = false
    ) throws(ConfigurationError) -> LoadedBundle {
        guard ModelIdentifier.isName(identity.name), ModelIdentifier.versionNumber(identity.version) != nil else {
            throw ConfigurationError(source: path, message: "expected a model's name and version")
        }
        let model = try Directory(identity.name, in: Directory(path: path))
        return try BundleLoader.load(
            Directory(identity.version, in: model), identity: identity, cache: cache, requireGolden: requireGolden,
            signature: signature, keepsSource: keepsSource)
    }
}
