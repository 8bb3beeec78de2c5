// Whether a bundle's files are all there, before anybody reads them.

import Configuration
import Foundation
import Testing

@testable import Registry

@Suite struct PresenceTests {
    private let root = FileManager.default.temporaryDirectory.appending(path: "serin-presence-\(UUID().uuidString)")
    private var folder: URL { root.appending(path: "fraud/2") }
    private var presence: BundlePresence {
        get throws { try ModelRepository(path: root.path()).presence(of: BundleIdentity(name: "fraud", version: "2")) }
    }

    private func write(_ name: String, _ text: String) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try text.write(to: folder.appending(path: name), atomically: false, encoding: .utf8)
    }

    /// A copy in the order in which cp goes: the list comes first, and the model last.
    @Test func aCopyIsIncompleteUntilItsLastFile() throws {
        defer { try? FileManager.default.removeItem(at: root) }
        try write("manifest.yaml", "a")
        #expect(try presence == .incomplete("SHA256SUMS is not there yet"))
        let digest = String(repeating: "0", count: 64)
        try write("SHA256SUMS", "\(digest)  manifest.yaml\n\(digest)  model.json\n")
        #expect(try presence == .incomplete("model.json is not there yet"))
        try write("model.json", "{")
        let begun = try presence
        guard case .whole = begun else { return #expect(Bool(false), "all files are there") }
        #expect(try presence == begun, "nobody writes")
        try write("model.json", "{}")
        #expect(try presence != begun, "it grows")
        let grown = try presence
        try write("SHA256SUMS.sig", "x")
        #expect(try presence != grown, "a signature that comes later is a change")
    }

    @Test func aListThatCannotBeReadIsTheLoadersToRefuse() throws {
        defer { try? FileManager.default.removeItem(at: root) }
        try write("SHA256SUMS", "nonsense\n")
        guard case .whole = try presence else { return #expect(Bool(false), "nothing is known to be missing") }
    }

    @Test func aFolderThatIsGoneIsAnError() {
        #expect(throws: ConfigurationError.self) { try presence }
    }
}
