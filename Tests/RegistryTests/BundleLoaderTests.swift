// A bundle loads when all of it is true, and only then.

import Configuration
import Execution
import Foundation
import Inference
import Registry
import Testing

@Suite struct BundleLoaderTests {
    /// Loads a bundle from a folder `tiny/1`.
    static func load(
        _ bundle: TinyBundle = TinyBundle(), cache: ImageCache? = nil, requireGolden: Bool = false,
        tamper: (inout [String: [UInt8]]) -> Void = { _ in }
    ) throws -> LoadedBundle {
        let folder = try TemporaryFolder()
        try bundle.write(to: folder["tiny/1"], tamper: tamper)
        return try BundleLoader.load(
            directory: folder["tiny/1"].path(percentEncoded: false), cache: cache, requireGolden: requireGolden)
    }

    /// The error of a bundle, without its folder.
    static func error(
        _ bundle: TinyBundle = TinyBundle(), requireGolden: Bool = false,
        tamper: (inout [String: [UInt8]]) -> Void = { _ in }
    ) -> String? {
        let error = #expect(throws: ConfigurationError.self) {
            try load(bundle, requireGolden: requireGolden, tamper: tamper)
        }
        guard let text = error?.description, let folder = text.range(of: "tiny/1/") else { return error?.description }
        return String(text[folder.upperBound...])
    }

    @Test func aWholeBundleLoads() throws {
        let bundle = try Self.load()
        #expect(bundle.name == "tiny" && bundle.version == "1")
        #expect(bundle.input.declaredType == .float32 && bundle.input.features.count == 3)
        #expect(bundle.output.scoreType == .float32 && bundle.output.columns == 1)
        #expect(bundle.goldenCount == 64 && bundle.profile != nil && !bundle.isCached)
        #expect(bundle.warnings == [])
        #expect(bundle.sourceDigest == SHA256Digest(of: TinyBundle.model))
        #expect(bundle.model.treeCount == 2 && bundle.model.maxDepth == 1 && bundle.model.worstCaseNodesPerRow == 2)
    }

    @Test(arguments: ["model.json", "manifest.yaml", "golden.ndjson", "profile.json"])
    func oneBitAnywhereIsNoticed(file: String) throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<8 {
            let message = Self.error { files in
                let index = Int.random(in: 0..<files[file]!.count, using: &generator)
                files[file]![index] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            }
            #expect(
                message
                    == "\(file): differs from its checksum in SHA256SUMS: it was changed or damaged after the import")
        }
    }

    @Test func filesAndListMustAgree() {
        #expect(Self.error { $0["profile.json"] = nil } == "profile.json: is missing, but SHA256SUMS lists it")
        #expect(
            Self.error { $0["notes.txt"] = [] } == "notes.txt: is not listed in SHA256SUMS; remove it or list it")
        #expect(Self.error { $0["SHA256SUMS"] = nil } == "SHA256SUMS: cannot be opened: No such file or directory")
        #expect(Self.error { $0["SHA256SUMS"]![0] = 0x78 }?.hasPrefix("SHA256SUMS:1: expected 64 hexadecimal") == true)
        #expect(Self.error { $0["SHA256SUMS"]! += $0["SHA256SUMS"]! } == "SHA256SUMS:5: golden.ndjson stands twice")
        let outside = Array("\(SHA256Digest(of: []))  ../../etc/passwd\n".utf8)
        #expect(
            Self.error { $0["SHA256SUMS"]! += outside }
                == "SHA256SUMS:5: \"../../etc/passwd\" is not the name of a file in this folder")
    }

    @Test func foldersAndLinksAreRefused() throws {
        let folder = try TemporaryFolder()
        try TinyBundle().write(to: folder["tiny/1"])
        let path = folder["tiny/1"].path(percentEncoded: false)
        try FileManager.default.createDirectory(at: folder["tiny/1/more"], withIntermediateDirectories: true)
        #expect(throws: ConfigurationError.self) { try BundleLoader.load(directory: path) }
        try FileManager.default.removeItem(at: folder["tiny/1/more"])
        #expect(throws: Never.self) { try BundleLoader.load(directory: path) }
        try FileManager.default.moveItem(at: folder["tiny/1/model.json"], to: folder["model.json"])
        try FileManager.default.createSymbolicLink(
            at: folder["tiny/1/model.json"], withDestinationURL: folder["model.json"])
        let error = #expect(throws: ConfigurationError.self) { try BundleLoader.load(directory: path) }
        #expect(error?.message == "is not a regular file; a bundle holds only those")
    }

    @Test func theBundleMustBeWhatTheFolderSays() throws {
        let folder = try TemporaryFolder()
        try TinyBundle().write(to: folder["tiny/2"])
        try TinyBundle().write(to: folder["other/1"])
        let repository = ModelRepository(path: folder.path)
        let version = #expect(throws: ConfigurationError.self) {
            try repository.load(BundleIdentity(name: "tiny", version: "2"))
        }
        #expect(version?.message == "is 1, but the folder is version 2's")
        let name = #expect(throws: ConfigurationError.self) {
            try repository.load(BundleIdentity(name: "other", version: "1"))
        }
        #expect(name?.message == "is tiny, but the folder is other's")
    }

    @Test(arguments: [
        ("xgboost-json", "xgboost-ubj", "model.json: "),
        (
            "- {name: age, type: integer, missing: {value: 30}, pii: true}\n", "",
            "manifest.yaml: features: has 2, but the model has 3"
        ),
        (
            "binary:logistic", "reg:squarederror",
            "manifest.yaml: output.objective: is \"reg:squarederror\", but the model's is \"binary:logistic\""
        ),
        ("name: country", "name: amounts", ""),
        (
            "classes: [genuine, fraud], threshold: 0.25, positive: 1", "classes: [a, b, c]",
            "manifest.yaml: output.classes: names 3, but the model has 2"
        ),
        ("golden: present", "golden: none", "manifest.yaml: golden: is none, but there is golden.ndjson"),
        ("file: model.json", "file: model.ubj", "model.ubj: is missing; manifest.yaml names it as the model's file"),
    ])
    func theManifestMustBeTheModels(old: String, new: String, message: String) {
        var bundle = TinyBundle()
        bundle.replace(old, by: new, in: "manifest.yaml")
        bundle.files["profile.json"] = nil
        if message.isEmpty {
            #expect(throws: Never.self) { try Self.load(bundle) }
        } else {
            #expect(Self.error(bundle)?.hasPrefix(message) == true, "\(Self.error(bundle) ?? "")")
        }
    }

    @Test func columnsInAnotherOrderAreRefused() {
        var bundle = TinyBundle()
        bundle.replace("name: amount", by: "name: x", in: "manifest.yaml")
        bundle.replace("name: age", by: "name: amount", in: "manifest.yaml")
        #expect(Self.error(bundle) == "manifest.yaml: features[2].name: amount is column 0 of the model, not 2")
    }

    @Test func goldenRowsMayBeRequired() throws {
        var bundle = TinyBundle()
        bundle.files["golden.ndjson"] = nil
        #expect(Self.error(bundle) == "manifest.yaml: golden: is present, but golden.ndjson is missing")
        bundle.replace("golden: present", by: "golden: none", in: "manifest.yaml")
        #expect(try Self.load(bundle).warnings.count == 1)
        #expect(try Self.load(bundle).goldenCount == 0)
        #expect(
            Self.error(bundle, requireGolden: true)
                == "golden.ndjson: is missing, and the configuration requires golden rows")
    }

    @Test func hostileModelIsRefusedWithItsPlace() {
        var bundle = TinyBundle()
        bundle.files["profile.json"] = nil
        bundle.replace("\"left_children\": [1,", by: "\"left_children\": [0,", in: "model.json")
        let message = Self.error(bundle)
        #expect(
            message?.hasPrefix("model.json: ") == true && message?.contains("left_children") == true, "\(message ?? "")"
        )
    }

    @Test func profileMustBeTheModels() {
        var bundle = TinyBundle()
        bundle.replace(
            "\"\(SHA256Digest(of: TinyBundle.model))\"", by: "\"\(SHA256Digest(of: []))\"", in: "profile.json")
        #expect(Self.error(bundle) == "profile.json: model_sha256: is of another model than model.json")
        var order = TinyBundle()
        order.replace("\"name\":\"amount\"", by: "\"name\":\"amounts\"", in: "profile.json")
        #expect(Self.error(order) == "profile.json: features: expected the manifest's features in the manifest's order")
    }
}
