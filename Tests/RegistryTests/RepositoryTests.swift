// Discovery: what is a model, what is a version, and what must not be followed.

import Configuration
import Foundation
import Registry
import Testing

@Suite struct RepositoryTests {
    func makeFolders(_ paths: [String]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for path in paths {
            try FileManager.default.createDirectory(at: folder[path], withIntermediateDirectories: true)
        }
        return folder
    }

    @Test func modelsAndVersions() throws {
        let folder = try makeFolders([
            "fraud/1", "fraud/2", "fraud/10", "fraud/.3.77", "fraud/notes", "train/data", "credit/9223372036854775807",
            ".hidden/1", "empty",
        ])
        let contents = try ModelRepository(path: folder.path).contents()
        #expect(contents.models.map(\.name) == ["credit", "fraud"])
        #expect(contents.models.last?.versions == ["1", "2", "10"])
        #expect(contents.models.first?.versions == ["9223372036854775807"])
        #expect(contents.warnings == [])
    }

    @Test func oddNamesAreSkippedAndSaid() throws {
        let folder = try makeFolders([
            "fraud/01", "fraud/0", "fraud/9223372036854775808", "fraud/1", "-odd/1", "r\u{e9}sum\u{e9}/1",
        ])
        try Data().write(to: folder["fraud/5"])
        try FileManager.default.createSymbolicLink(at: folder["linked"], withDestinationURL: folder["fraud"])
        try FileManager.default.createSymbolicLink(at: folder["fraud/7"], withDestinationURL: folder["fraud/1"])
        let contents = try ModelRepository(path: folder.path).contents()
        #expect(contents.models.map(\.name) == ["fraud"])
        #expect(contents.models.first?.versions == ["1"])
        #expect(contents.warnings.count == 8)
        #expect(contents.warnings.contains { $0.hasSuffix("linked is a symbolic link, so it is skipped") })
        #expect(contents.warnings.contains { $0.hasSuffix("fraud/7 is not a folder, so it is skipped") })
        #expect(contents.warnings.contains { $0.contains("fraud/01 is skipped: a version is digits without") })
    }

    @Test func aLinkedVersionIsNotLoaded() throws {
        let folder = try makeFolders(["tiny"])
        try TinyBundle().write(to: folder["elsewhere"])
        try FileManager.default.createSymbolicLink(at: folder["tiny/1"], withDestinationURL: folder["elsewhere"])
        let identity = BundleIdentity(name: "tiny", version: "1")
        #expect(throws: ConfigurationError.self) { try ModelRepository(path: folder.path).load(identity) }
    }

    @Test(arguments: [("..", "1"), ("tiny", ".."), ("tiny", "1/../1"), ("a/b", "1"), ("", "1"), ("tiny", "")])
    func namesCannotLeaveTheRepository(name: String, version: String) throws {
        let folder = try makeFolders(["tiny/1"])
        let error = #expect(throws: ConfigurationError.self) {
            try ModelRepository(path: folder.path).load(BundleIdentity(name: name, version: version))
        }
        #expect(error?.message == "expected a model's name and version")
    }

    @Test func missingRepository() {
        let error = #expect(throws: ConfigurationError.self) { try ModelRepository(path: "no/such").contents() }
        #expect(error?.description == "no/such: cannot be opened as a folder: No such file or directory")
    }

    @Test func planFollowsTheConfiguration() throws {
        let folder = try makeFolders(["fraud/1", "fraud/2", "fraud/3", "credit/4"])
        let configuration = try ConfigurationLoader.parse(
            """
            repository: \(folder.path)
            models:
              fraud: {load: ["1", "3", "9"], require: [golden], route: {stable: "1"}}
              absent: {load: all}
            """)
        let plan = try ServingPlan(configuration)
        #expect(plan.models.map(\.name) == ["credit", "fraud"])
        #expect(plan.models[0].versions == ["4"] && plan.models[0].stableVersion == nil)
        #expect(plan.models[1].versions == ["1", "3"] && plan.models[1].stableVersion == "1")
        #expect(plan.models[1].requiresGolden && !plan.models[0].requiresGolden)
        #expect(plan.warnings.contains { $0.hasPrefix("version 9 of fraud is configured, but") })
        #expect(plan.warnings.contains { $0.hasPrefix("model absent is configured, but") })
    }

    @Test func aStableVersionThatIsNotThereIsAnError() throws {
        let folder = try makeFolders(["fraud/1"])
        let configuration = try ConfigurationLoader.parse(
            "{repository: \(folder.path), models: {fraud: {route: {stable: \"2\"}}}}")
        let error = #expect(throws: ConfigurationError.self) { try ServingPlan(configuration) }
        #expect(error?.keyPath == "fraud/2")
    }
}
