// Nothing lies about: every file is used by another one, every folder is on the map.

import Foundation
import Testing

@Suite struct UsageTests {
    /// Tests count as users: the reference scorer is there for them.
    @Test func everySourceFileIsUsedByAnother() throws {
        let files = Repository.files.filter { $0.path.hasSuffix(".swift") }
        let filesSaying = Self.counts(files.map { SwiftCode.identifiers(in: $0.code) })
        let declared = try files.map { try Self.declarations(in: $0.code) }
        let filesDeclaring = Self.counts(declared)
        for (file, names) in zip(files, declared) where file.module != nil && !file.path.hasSuffix("/main.swift") {
            // Said by more files than declare it: somebody uses it.
            let isUsed = names.contains { filesSaying[$0, default: 0] > filesDeclaring[$0, default: 0] }
            #expect(
                isUsed || names.isEmpty || file.code.contains("@main"),
                "\(file.path): no other file uses anything that it declares")
        }
    }

    /// In how many of the sets each word is.
    private static func counts(_ sets: [Set<Substring>]) -> [Substring: Int] {
        var counts: [Substring: Int] = [:]
        for set in sets { for word in set { counts[word, default: 0] += 1 } }
        return counts
    }

    /// Names of types and functions; of properties where a file has neither (an extension of one aspect).
    static func declarations(in code: String) throws -> Set<Substring> {
        let types = #"\b(?:func|struct|class|enum|actor|protocol|typealias)\s+([A-Za-z_]\w*)"#
        let properties = #"(?m)^(?: {4})?(?:[a-z@]\S* )*(?:var|let|case)\s+([A-Za-z_]\w*)"#
        let named = code.matches(of: try Regex(types)).compactMap { $0.output[1].substring }
        if !named.isEmpty { return Set(named) }
        return Set(code.matches(of: try Regex(properties)).compactMap { $0.output[1].substring })
    }

    @Test func declarationsAreFound() throws {
        #expect(try Self.declarations(in: "final class A {\n    static let b = 1\n    func d() {}\n}") == ["A", "d"])
        #expect(try Self.declarations(in: "extension A {\n    public static let b = 1\n}") == ["b"])
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
