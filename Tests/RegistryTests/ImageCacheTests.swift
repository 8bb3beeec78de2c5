// The cache: found again, never trusted when damaged, never shared.

import Configuration
import Foundation
import Registry
import Testing

@Suite struct ImageCacheTests {
    func entries(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    func makeCache(_ folder: TemporaryFolder) throws -> ImageCache {
        try ImageCache(path: folder["a/b/cache"].path(percentEncoded: false))
    }

    @Test func theSecondLoadIsCached() throws {
        let folder = try TemporaryFolder()
        let cache = try makeCache(folder)
        let first = try BundleLoaderTests.load(cache: cache)
        let second = try BundleLoaderTests.load(cache: cache)
        #expect(!first.isCached && second.isCached)
        #expect(first.facts == second.facts && first.input == second.input && first.output == second.output)
        #expect(try entries(cache.path).count == 1)
        let mode = try FileManager.default.attributesOfItem(atPath: cache.path)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }

    /// The manifest is compared with the model also when the model was not read.
    @Test func aCachedImageDoesNotSkipTheChecks() throws {
        let folder = try TemporaryFolder()
        let cache = try makeCache(folder)
        _ = try BundleLoaderTests.load(cache: cache)
        var bundle = TinyBundle()
        bundle.replace("binary:logistic", by: "reg:squarederror", in: "manifest.yaml")
        let error = #expect(throws: ConfigurationError.self) { try BundleLoaderTests.load(bundle, cache: cache) }
        #expect(error?.keyPath == "output.objective")
    }

    @Test func aDamagedEntryIsReplaced() throws {
        let folder = try TemporaryFolder()
        let cache = try makeCache(folder)
        _ = try BundleLoaderTests.load(cache: cache)
        let file = try URL(filePath: cache.path).appending(path: #require(entries(cache.path).first))
        let whole = try [UInt8](Data(contentsOf: file))
        for length in [0, 7, 20, 47, 48, whole.count / 2, whole.count - 1] {
            try Data(whole.prefix(length)).write(to: file)
            #expect(try !BundleLoaderTests.load(cache: cache).isCached, "cut to \(length)")
            #expect(try BundleLoaderTests.load(cache: cache).isCached, "after a cut to \(length)")
        }
        for index in stride(from: 0, to: whole.count, by: max(1, whole.count / 97)) {
            var bytes = whole
            bytes[index] ^= 0x10
            try Data(bytes).write(to: file)
            // Padding between facts and image may change unnoticed; then the model is still whole.
            let bundle = try BundleLoaderTests.load(cache: cache)
            #expect(bundle.goldenCount == 64, "byte \(index)")
        }
    }

    @Test func aFolderThatOthersCanWriteToIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder["open"].path(percentEncoded: false)
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o770])
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: path)
        let error = #expect(throws: ConfigurationError.self) { try ImageCache(path: path) }
        #expect(error?.message.hasPrefix("could be written by others") == true)
        try Data().write(to: folder["file"])
        #expect(throws: ConfigurationError.self) { try ImageCache(path: folder["file"].path(percentEncoded: false)) }
    }

    @Test func aCacheThatCannotBeWrittenIsOnlyAWarning() throws {
        let folder = try TemporaryFolder()
        let cache = try makeCache(folder)
        try FileManager.default.removeItem(atPath: cache.path)
        let bundle = try BundleLoaderTests.load(cache: cache)
        #expect(bundle.warnings.count == 1 && bundle.warnings[0].hasPrefix("the compiled image cannot be kept"))
    }
}
