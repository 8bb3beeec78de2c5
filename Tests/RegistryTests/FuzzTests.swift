// Hostile and damaged files: whatever stands in them, they are taken whole or refused in one line.

import Configuration
import Foundation
import FuzzSupport
import Inference
import Testing

@testable import Registry

@Suite(.serialized) struct FuzzTests {
    static let yamlTokens = [
        ":", ": ", "- ", "? ", "[", "]", "{", "}", ",", "#", " #", "&a ", "*a", "!!str ", "!x ", "|", ">", "'", "\"",
        "%",
        "---", "...", "\n", "\r", "\t", "  ", "<<: ", "~", "null", "true", "false", "yes", "0", "-1", "1e999", ".inf",
        ".nan", "0x10", "10ms", "1MiB", "99999999999999999999", "\u{85}", "\u{2028}", "\u{feff}", "\u{0}", "é", "\\x00",
        "\\ud800", "\"\\", "[[[[[[[[", "- - - - - ", "? ? ? ", "listen", "port", "limits", "models", "fraud", "load",
        "latest", "features", "name", "type", "category", "range", "missing", "value", "output", "lineage",
    ]
    static let jsonTokens = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "null", "true", "NaN", "-0", "1e999", "1e-999",
        "0.1",
        "9223372036854775807", "99999999999999999999", "\n", " ", "\u{0}", "\"row\"", "\"margin\"", "\"score\"",
        "\"input\"",
        "\"FP64\"", "\"edges\"", "\"counts\"", "\"kind\"", "\"category\"", "\"missing\"", "\"DE\"",
    ]

    /// One line that says something, and a line number that the input has.
    func expectUseful(_ error: ConfigurationError, _ input: [UInt8]) {
        #expect(!error.message.isEmpty)
        #expect(!error.description.contains { $0.isNewline }, "\(error.description.debugDescription)")
        // YAML ends lines at NEL, LS and PS too, so there can be more than line feeds.
        #expect((1...input.count + 1).contains(error.line ?? 1))
    }

    @Test func configuration() throws {
        let shipped = try String(
            contentsOf: TinyBundle.packageFolder.appending(path: "config/serin.yaml"), encoding: .utf8)
        let small = "listen: {port: 1}\nmodels: {a: {load: [1, 2], route: {stable: 2}}, b: {load: {latest: 3}}}\n"
        var fuzzer = Fuzzer("configuration", seeds: [shipped, small, "", "- a"], tokens: Self.yamlTokens)
        var turn = 0
        fuzzer.run { input in
            do throws(ConfigurationError) {
                let root = String(decoding: input, as: UTF8.self)
                let configuration = try ConfigurationLoader.parse(root, source: "f")
                // What was taken is in range: its own text is taken again and means the same.
                turn += 1
                let field = ConfigurationField.all[turn % ConfigurationField.all.count]
                let again = ConfigurationOverride(
                    keyPath: field.keyPath, flag: "--again", text: field.text(in: configuration))
                #expect(try configuration == ConfigurationLoader.parse(root, overrides: [again]))
                return true
            } catch {
                expectUseful(error, input)
                return false
            }
        }
    }

    @Test func manifest() {
        var fuzzer = Fuzzer("manifest", seeds: [TinyBundle.manifest], tokens: Self.yamlTokens)
        fuzzer.run { input in
            do throws(ConfigurationError) {
                let manifest = try Manifest.parse(input, source: "f")
                #expect(Set(manifest.features.map(\.name)).count == manifest.features.count)
                // The serving side's rules can be built from whatever was taken.
                #expect(FeaturePolicies(manifest.features).columnCount == manifest.features.count)
                return true
            } catch {
                expectUseful(error, input)
                return false
            }
        }
    }

    @Test func golden() {
        var fuzzer = Fuzzer("golden", seeds: [TinyBundle.golden()], tokens: Self.jsonTokens)
        fuzzer.run { input in
            do throws(ConfigurationError) {
                let rows = try GoldenRow.parse(input, source: "f")
                #expect(GoldenRow.countRange.contains(rows.count))
                #expect(rows.allSatisfy { $0.margins.allSatisfy(\.isFinite) && $0.scores.allSatisfy(\.isFinite) })
                return true
            } catch {
                expectUseful(error, input)
                return false
            }
        }
    }

    @Test func profile() {
        var fuzzer = Fuzzer("profile", seeds: [TinyBundle.profile], tokens: Self.jsonTokens)
        fuzzer.run { input in
            do throws(ConfigurationError) {
                let profile = try Profile.parse(input, source: "f")
                #expect(profile.rows >= 0 && profile.features.allSatisfy { $0.missing <= profile.rows })
                return true
            } catch {
                expectUseful(error, input)
                return false
            }
        }
    }

    @Test func checksums() {
        let digest = SHA256Digest(of: [])
        let list = "\(digest)  model.json\n\(digest) *manifest.yaml\n"
        var fuzzer = Fuzzer(
            "checksums", seeds: [list], tokens: ["../", "/", "\\", " ", "  ", " *", "\n", "\u{0}", "."])
        fuzzer.run { input in
            do throws(ConfigurationError) {
                let parsed = try ChecksumList(parsing: input, source: "f")
                #expect(parsed.files.allSatisfy { !$0.name.contains("/") && !$0.name.hasPrefix(".") })
                #expect(try ChecksumList(parsing: Array(parsed.text.utf8), source: "f") == parsed)
                return true
            } catch {
                expectUseful(error, input)
                return false
            }
        }
    }

    /// A cache entry's facts, which come from a file too.
    @Test func facts() throws {
        let folder = try TemporaryFolder()
        try Data(TinyBundle.model).write(to: folder["m"])
        let request = BundleImport(
            source: folder["m"].path(percentEncoded: false), identity: BundleIdentity(name: "a", version: "1"),
            repository: folder["r"].path(percentEncoded: false))
        let facts = try BundleWriter.write(request).facts.encoded
        var random = SplitMix(seed: 42)
        for _ in 0..<20000 {
            var bytes = facts
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            if let decoded = ModelFacts(decoding: bytes) { #expect(decoded.encoded.count == bytes.count) }
        }
    }
}
