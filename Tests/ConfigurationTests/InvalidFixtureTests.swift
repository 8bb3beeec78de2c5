// Every file of Tests/Fixtures/configuration/invalid is refused with the message of its first line.

import Configuration
import Foundation
import Testing

/// The folder of this package.
let packageFolder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

@Suite struct InvalidFixtureTests {
    static let folder = packageFolder.appending(path: "Tests/Fixtures/configuration/invalid")
    static let fixtures = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []).sorted()

    @Test func fixturesAreThere() { #expect(Self.fixtures.count >= 50) }

    @Test(arguments: fixtures)
    func isRefused(fixture: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: fixture), encoding: .utf8)
        let first = try #require(text.split(separator: "\n").first)
        let prefix = "# expect: "
        try #require(first.hasPrefix(prefix))
        let error = #expect(throws: ConfigurationError.self) { _ = try ConfigurationLoader.parse(text) }
        #expect(error?.description == String(first.dropFirst(prefix.count)))
    }
}
