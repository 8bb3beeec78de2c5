// Import: whole or not at all.

import Configuration
import Foundation
import Inference
import Testing

@testable import Registry

@Suite struct BundleWriterTests {
    /// Sources on disk, and a request for them.
    func prepare(_ bundle: TinyBundle = TinyBundle()) throws -> (folder: TemporaryFolder, request: BundleImport) {
        let folder = try TemporaryFolder()
        for (name, bytes) in bundle.files { try Data(bytes).write(to: folder[name]) }
        let request = BundleImport(
            source: folder["model.json"].path(percentEncoded: false),
            identity: BundleIdentity(name: "tiny", version: "1"),
            manifest: folder["manifest.yaml"].path(percentEncoded: false),
            golden: folder["golden.ndjson"].path(percentEncoded: false),
            profile: folder["profile.json"].path(percentEncoded: false),
            repository: folder["models"].path(percentEncoded: false))
        return (folder, request)
    }

    func names(_ url: URL) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: url.path(percentEncoded: false))) ?? []).sorted()
    }

    @Test func whatIsImportedLoads() throws {
        let (folder, request) = try prepare()
        let imported = try BundleWriter.write(request)
        #expect(imported.goldenCount == 64 && imported.warnings == [])
        #expect(
            names(folder["models/tiny/1"]) == [
                "SHA256SUMS", "golden.ndjson", "manifest.yaml", "model.json", "profile.json",
            ])
        #expect(names(folder["models/tiny"]) == ["1"])
        let bundle = try ModelRepository(path: request.repository).load(request.identity, requireGolden: true)
        #expect(bundle.goldenCount == 64 && bundle.profile != nil && bundle.warnings == [])
    }

    /// Our list is what sha256sum(1) understands.
    @Test func sha256sumAgrees() throws {
        let (folder, request) = try prepare()
        _ = try BundleWriter.write(request)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/sha256sum")
        process.arguments = ["--check", "--strict", "--quiet", "SHA256SUMS"]
        process.currentDirectoryURL = folder["models/tiny/1"]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test func withoutAManifestOneIsWritten() throws {
        var (folder, request) = try prepare()
        request.manifest = nil
        request.golden = nil
        request.profile = nil
        let imported = try BundleWriter.write(request)
        #expect(imported.warnings.count == 1 && imported.goldenCount == 0)
        #expect(names(folder["models/tiny/1"]) == ["SHA256SUMS", "manifest.yaml", "model.json"])
        let bundle = try ModelRepository(path: request.repository).load(request.identity)
        #expect(bundle.input.features.map(\.name) == ["amount", "country", "age"])
        #expect(bundle.manifest.golden == .absent && bundle.output.objective == "binary:logistic")
        #expect(throws: ConfigurationError.self) {
            try ModelRepository(path: request.repository).load(request.identity, requireGolden: true)
        }
    }

    @Test func aVersionIsNeverOverwritten() throws {
        let (folder, request) = try prepare()
        _ = try BundleWriter.write(request)
        let before = try Data(contentsOf: folder["models/tiny/1/SHA256SUMS"])
        let error = #expect(throws: ConfigurationError.self) { try BundleWriter.write(request) }
        #expect(error?.message == "is there already, and versions do not change; choose another --version")
        #expect(try Data(contentsOf: folder["models/tiny/1/SHA256SUMS"]) == before)
    }

    /// Also when the other import comes between the check and the rename.
    @Test func theFasterImportWins() throws {
        let (folder, request) = try prepare()
        #expect(throws: ConfigurationError.self) {
            try BundleWriter.write(request, progress: nil) { step in
                if step == "rename" { try! TinyBundle().write(to: folder["models/tiny/1"]) }
            }
        }
        #expect(names(folder["models/tiny"]) == ["1"])
        #expect(throws: Never.self) { try ModelRepository(path: request.repository).load(request.identity) }
    }

    @Test(arguments: ["model.json", "manifest.yaml", "golden.ndjson", "profile.json", "SHA256SUMS", "rename"])
    func aFailureLeavesNothing(at failing: String) throws {
        let (folder, request) = try prepare()
        #expect(throws: ConfigurationError.self) {
            try BundleWriter.write(request, progress: nil) { step throws(ConfigurationError) in
                if step == failing { throw ConfigurationError(source: step, message: "disk full") }
            }
        }
        #expect(names(folder["models"]) == [])
        #expect(throws: Never.self) { try BundleWriter.write(request) }
    }

    /// What a killed import leaves is no version, and is in nobody's way.
    @Test func aCrashLeavesNoVersion() throws {
        let (folder, request) = try prepare()
        try FileManager.default.createDirectory(at: folder["models/tiny/.1.4711"], withIntermediateDirectories: true)
        try Data(TinyBundle.model).write(to: folder["models/tiny/.1.4711/model.json"])
        #expect(try ModelRepository(path: request.repository).contents() == ModelRepository.Contents())
        _ = try BundleWriter.write(request)
        #expect(try ModelRepository(path: request.repository).contents().models.map(\.versions) == [["1"]])
    }

    @Test(arguments: [
        ("manifest.yaml", "name: tiny", "name: other", "is other, but --name is tiny"),
        ("manifest.yaml", "version: \"1\"", "version: \"2\"", "is 2, but --version is 1"),
        ("manifest.yaml", "golden: present", "golden: none", "is none, but --golden is given"),
        ("golden.ndjson", "\"margin\":[-0.3]", "\"margin\":[-0.4]", ""),
        ("profile.json", "\"rows\":10", "\"rows\":12", "counts must add up to the 12 rows"),
        ("model.json", "\"num_trees\": \"2\"", "\"num_trees\": \"3\"", ""),
    ])
    func whatWouldNotLoadIsNotWritten(file: String, old: String, new: String, message: String) throws {
        var bundle = TinyBundle()
        bundle.replace(old, by: new, in: file)
        let (folder, request) = try prepare(bundle)
        let error = #expect(throws: ConfigurationError.self) { try BundleWriter.write(request) }
        if !message.isEmpty { #expect(error?.message == message) }
        #expect(error?.source.hasSuffix(file) == true)
        #expect(names(folder["models"]) == [])
    }

    @Test func progressIsReported() throws {
        let (folder, request) = try prepare()
        defer { withExtendedLifetime(folder) {} }
        var last = 0.0
        _ = try BundleWriter.write(request) { fraction in
            #expect(fraction >= last)
            last = fraction
        }
        #expect(last == 1)
    }

    @Test func factsSurviveTheirBytes() throws {
        let (folder, request) = try prepare()
        defer { withExtendedLifetime(folder) {} }
        let facts = try BundleWriter.write(request).facts
        #expect(ModelFacts(decoding: facts.encoded) == facts)
        for length in 0..<facts.encoded.count {
            #expect(ModelFacts(decoding: Array(facts.encoded.prefix(length))) == nil)
        }
        #expect(ModelFacts(decoding: facts.encoded + [0]) == nil)
    }
}
