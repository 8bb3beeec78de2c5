import Foundation
import Testing

@Suite struct ModuleDiagramTests {
    @Test func stagesNeverImportEachOther() {
        for stage in ModuleDiagram.stages {
            #expect(ModuleDiagram.imports[stage, default: []].isDisjoint(with: ModuleDiagram.stages), "\(stage)")
        }
    }

    @Test func arrowsPointDownOnly() {
        // Taking away whatever imports only what is already gone empties the diagram, unless it has a cycle.
        var left = ModuleDiagram.imports
        while let leaf = left.first(where: { $0.value.isDisjoint(with: left.keys) })?.key { left[leaf] = nil }
        #expect(left.isEmpty, "a cycle among \(left.keys.sorted())")
    }

    @Test func everyImportIsInTheDiagram() throws {
        #expect(Repository.swiftSources.count > 10)
        for file in Repository.swiftSources {
            let module = try #require(file.module, "\(file.path) is in no module")
            let allowed = try #require(ModuleDiagram.imports[module], "\(module) is not in the module diagram")
            let strangers = Self.imports(of: file).filter { ModuleDiagram.known.contains($0) && !allowed.contains($0) }
            #expect(strangers == [], "\(file.path): \(module) may import \(allowed.sorted())")
        }
    }

    @Test func packageDeclaresTheDiagram() throws {
        let manifest = Repository.text("Package.swift")
        let products = [
            "yams": "Yams", "logging": "Logging", "arguments": "ArgumentParser", "grdb": "GRDB",
            "histogram": "Histogram",
        ]
        var declared: [String: Set<String>] = [:]
        for pattern in [#"module\(\s*"(\w+)"(?:,\s*\[([^\]]*)\])?"#, #"name: "(serin)",\s*dependencies: \[([^\]]*)\]"#]
        {
            for match in manifest.matches(of: try Regex(pattern)) {
                let name = String(match.output[1].substring ?? "")
                let words = SwiftCode.identifiers(in: String(match.output[2].substring ?? "")).map(String.init)
                declared[name] = Set(words.map { products[$0] ?? $0 })
            }
        }
        #expect(declared == ModuleDiagram.imports)
    }

    @Test func dataPlaneHasNoFoundation() {
        for file in Repository.swiftSources where ModuleDiagram.dataPlane.contains(file.module ?? "") {
            let banned = Self.imports(of: file).filter { $0.hasPrefix("Foundation") || $0 == "Dispatch" }
            #expect(banned == [], "\(file.path): the data plane uses Glibc, Synchronization and Primitives")
        }
    }

    /// The modules a file imports, whatever stands before `import`.
    static func imports(of file: TextFile) -> [String] {
        file.code.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index + 1 < words.count,
                words[..<index].allSatisfy({ $0.hasPrefix("@") || $0.hasSuffix("c") || $0 == "internal" })
            else { return nil }
            let kinds: Set<Substring> = ["struct", "class", "enum", "func", "var", "let", "typealias", "protocol"]
            let name = kinds.contains(words[index + 1]) ? words.dropFirst(index + 2).first ?? "" : words[index + 1]
            return String(name.prefix { $0 != "." })
        }
    }

    @Test(arguments: [
        ("public import Synchronization", ["Synchronization"]),
        ("@testable import HTTP\n@preconcurrency import Yams", ["HTTP", "Yams"]),
        ("import struct Glibc.stat", ["Glibc"]),
        ("// import HTTP\nlet important = 1", []),
    ])
    func importsAreFound(text: String, modules: [String]) {
        #expect(Self.imports(of: TextFile(path: "a.swift", text: text)) == modules)
    }
}
