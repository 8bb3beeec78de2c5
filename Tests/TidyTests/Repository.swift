// The checkout as the tidy tests see it: text files under the folders that people write in.

import Foundation

/// One text file: where it is, its text, and its code without comments and strings.
struct TextFile {
    /// Relative to the repository, such as `Sources/HTTP/HTTPHead.swift`.
    var path: String
    var text: String

    /// Comments and string literals are blanks here; lines stay where they are. Empty but for Swift.
    var code: String

    init(path: String, text: String) {
        self.path = path
        self.text = text
        code = path.hasSuffix(".swift") ? SwiftCode.withoutCommentsAndStrings(text) : ""
    }

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    /// The module under `Sources/` that it belongs to; nil: none.
    var module: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" && parts[1] != "C" ? String(parts[1]) : nil
    }
}

enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Extensions of files that people write; `""`: scripts.
    private static let writtenExtensions: Set<String> = [
        "swift", "c", "cpp", "h", "modulemap", "py", "sh", "md", "yaml", "yml", "toml", "txt", "",
    ]
    private static let topFolders = [".ci", "Sources", "Tests", "Benchmarks", "config", "docs", "loadtest", "models"]

    /// Every written file, in the order of its path.
    static let files: [TextFile] = {
        let manager = FileManager.default
        var paths = (try? manager.contentsOfDirectory(atPath: root.path)) ?? []
        for folder in topFolders {
            let below = (try? manager.subpathsOfDirectory(atPath: root.appending(path: folder).path)) ?? []
            paths += below.map { "\(folder)/\($0)" }
        }
        return paths.sorted().compactMap(read)
    }()

    static let swiftSources = files.filter { $0.path.hasPrefix("Sources/") && $0.path.hasSuffix(".swift") }

    /// The file, unless it is a folder, generated, or a model's own text.
    private static func read(_ path: String) -> TextFile? {
        let url = root.appending(path: path)
        let isTrained = path.hasPrefix("models/") && !path.hasPrefix("models/train/")
        guard writtenExtensions.contains(url.pathExtension), !isTrained, !path.contains("__pycache__"),
            let values = try? url.resourceValues(forKeys: [.isRegularFileKey, .fileSizeKey]),
            values.isRegularFile == true, path != ".git", (values.fileSize ?? 0) < 1_000_000,
            let text = try? String(contentsOf: url, encoding: .utf8)
        else { return nil }
        return TextFile(path: path, text: text)
    }

    /// The text of one file; empty where there is none.
    static func text(_ path: String) -> String {
        (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? ""
    }
}
