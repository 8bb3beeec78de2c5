// CatBoost scores names, not codes: the manifest's categories are part of what is compiled.

import Configuration
import Foundation
import Registry
import Testing

@Suite struct CategoryNamesTests {
    private static let folder = TinyBundle.packageFolder.appending(path: "Tests/Fixtures/catboost")
    private static let name = "catboost-ctr-named-0049"

    /// The fixture's categories by feature.
    private static func categories() throws -> [[String]] {
        let index = try String(contentsOf: folder.appending(path: "index.ndjson"), encoding: .utf8)
        let line = try #require(index.split(separator: "\n").first { $0.contains("\"\(name)\"") })
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        return try #require(object["categories"] as? [[String]])
    }

    private static func bundle(_ categories: [[String]]) throws -> TinyBundle {
        let features = categories.enumerated().map { index, names in
            let list = names.map { "\"\($0)\"" }.joined(separator: ", ")
            return "- {name: f\(index), type: \(names.isEmpty ? "number" : "category, categories: [\(list)]")}"
        }
        let manifest = """
            schema: 1
            name: tiny
            version: "1"
            model: {file: model.json, format: catboost}
            features:
            \(features.joined(separator: "\n"))
            output: {objective: "Logloss"}
            golden: present
            """
        let rows = try String(contentsOf: folder.appending(path: "\(name).ndjson"), encoding: .utf8)
        var bundle = TinyBundle()
        bundle.files = [
            "model.json": try [UInt8](Data(contentsOf: folder.appending(path: "\(name).json"))),
            "manifest.yaml": Array(manifest.utf8),
            "golden.ndjson": Array(String(repeating: rows, count: 4).utf8),
        ]
        return bundle
    }

    @Test func namesDecideTheScoresAndTheCachedImage() throws {
        let cache = try TemporaryFolder()
        let images = try ImageCache(path: cache["images"].path(percentEncoded: false))
        let categories = try Self.categories()
        let loaded = try BundleLoaderTests.load(Self.bundle(categories), cache: images)
        #expect(loaded.goldenCount == 64 && !loaded.isCached)
        #expect(try BundleLoaderTests.load(Self.bundle(categories), cache: images).isCached)
        // The same codes under other names are other categories.
        let reversed = categories.map { Array($0.reversed()) }
        let error = #expect(throws: ConfigurationError.self) {
            try BundleLoaderTests.load(Self.bundle(reversed), cache: images)
        }
        #expect(error?.description.contains("the model gives") == true, "\(error.map { "\($0)" } ?? "none")")
    }
}
