// Every file of Tests/Fixtures/bundles/invalid-manifests is refused with the message of its first line.

import Configuration
import Foundation
import Registry
import Testing

@Suite struct InvalidManifestTests {
    static let folder = TinyBundle.fixtures.appending(path: "invalid-manifests")
    static let fixtures = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []).sorted()

    @Test func fixturesAreThere() { #expect(Self.fixtures.count >= 50) }

    @Test(arguments: fixtures)
    func isRefused(fixture: String) throws {
        let bytes = try [UInt8](Data(contentsOf: Self.folder.appending(path: fixture)))
        let first = String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)
        let prefix = "# expect: "
        try #require(first.hasPrefix(prefix))
        let error = #expect(throws: ConfigurationError.self) {
            _ = try Manifest.parse(bytes, source: "manifest.yaml")
        }
        #expect(error?.description == String(first.dropFirst(prefix.count)))
    }
}
