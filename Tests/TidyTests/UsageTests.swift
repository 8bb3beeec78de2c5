// Nothing lies about: every file is used by another one, every folder is on the map.

import Foundation
import Testing

@Suite struct UsageTests {
    /// Files that are used by what no other Swift file says: entry points.
    static let entryPoints: Set<String> = ["main.swift"]

    @Test func everySourceFileIsUsedByAnother() throws {
        // What each file says, with and without the names it declares itself.
        let words = Repository.swiftSources.map { SwiftCode.identifiers(in: $0.code) }
        var filesSaying: [Substring: Int] = [:]
        for file in words { for word in file { filesSaying[word, default: 0] += 1 } }
        for file in Repository.swiftSources
        where !Self.entryPoints.contains(String(file.path.split(separator: "/").last ?? "")) {
            let declared = try Self.declarations(in: file.code)
            let isUsed = declared.contains { filesSaying[$0, default: 0] > 1 }
            #expect(isUsed || declared.isEmpty, "\(file.path): no other source file uses anything that it declares")
        }
    }

    /// Names after func, var, let, case, struct and their like, wherever they stand.
    static func declarations(in code: String) throws -> Set<Substring> {
        let pattern = #"\b(?:func|var|let|case|struct|class|enum|actor|protocol|typealias)\s+([A-Za-z_]\w*)"#
        let declared = code.matches(of: try Regex(pattern)).compactMap { $0.output[1].substring }
        let common: Set<Substring> = ["count", "index", "name", "bytes", "value", "pointer", "start", "end", "text"]
        return Set(declared).subtracting(common)
    }

    @Test func everyHeaderIsIncluded() {
        let headers = Repository.files.filter { $0.path.hasPrefix("Sources/C/") && $0.path.hasSuffix(".h") }
        #expect(!headers.isEmpty)
        let includers = Repository.files.filter {
            [".c", ".cpp", ".h", ".modulemap"].contains(where: $0.path.hasSuffix)
        }
        for header in headers {
            let name = header.path.split(separator: "/").last ?? ""
            let isIncluded = includers.contains { $0.path != header.path && $0.text.contains("\(name)\"") }
            #expect(isIncluded, "\(header.path): nothing includes it")
        }
    }

    @Test func everySourceFolderIsOnTheMap() throws {
        let map = Repository.text("Sources/README.md")
        #expect(!map.isEmpty, "Sources/README.md lists the folders in the order a request travels them")
        let manager = FileManager.default
        for (folder, prefix) in [("Sources", ""), ("Sources/C", "C/")] {
            for name in try manager.contentsOfDirectory(atPath: Repository.root.appending(path: folder).path) {
                var isFolder: ObjCBool = false
                let path = Repository.root.appending(path: "\(folder)/\(name)").path
                guard manager.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else { continue }
                #expect(
                    map.contains("`\(prefix)\(name)`") || map.contains("`\(name)`"),
                    "Sources/README.md does not name \(folder)/\(name)")
            }
        }
    }

    @Test func everyModuleHasTestsBesideIt() {
        let modules = Set(Repository.swiftSources.compactMap(\.module)).subtracting(["serin"])
        for module in modules {
            let holdsTests = Repository.files.contains { file in
                file.path.hasPrefix("Tests/\(module)Tests/") && file.text.contains("@Test")
            }
            #expect(holdsTests, "Tests/\(module)Tests holds no test")
        }
    }
}
