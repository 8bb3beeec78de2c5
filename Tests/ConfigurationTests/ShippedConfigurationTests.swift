// config/serin.yaml documents every field: its default, its unit, its range.

import Configuration
import Foundation
import Testing

@Suite struct ShippedConfigurationTests {
    static let file = packageFolder.appending(path: "config/serin.yaml").path()

    /// The comment lines directly above a field's line, joined.
    static func comment(of keyPath: String) throws -> String {
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        var path: [Substring] = []
        var comment = ""
        for line in lines {
            let text = line.drop { $0 == " " }
            if text.hasPrefix("#") { comment += text.dropFirst() + " " }
            if text.isEmpty { comment = "" }
            guard !text.hasPrefix("#"), let colon = text.firstIndex(of: ":") else { continue }
            path = path.prefix((line.count - text.count) / 2) + [text[..<colon]]
            if path.joined(separator: ".") == keyPath { return comment }
            comment = ""
        }
        throw ConfigurationError(source: file, keyPath: keyPath, message: "is not documented")
    }

    @Test func scalarsAreTheDefaults() throws {
        let shipped = try ConfigurationLoader.load(file: Self.file)
        let defaults = try ConfigurationLoader.load(file: nil)
        for field in ConfigurationField.all {
            #expect(field.text(in: shipped) == field.text(in: defaults), "\(field.keyPath)")
        }
    }

    @Test(arguments: ConfigurationField.all.map(\.keyPath))
    func fieldIsDocumented(keyPath: String) throws {
        let field = try #require(ConfigurationField.all.first { $0.keyPath == keyPath })
        let comment = try Self.comment(of: keyPath)
        let text = try field.text(in: ConfigurationLoader.load(file: nil))
        let standard = text.isEmpty ? "\"\"" : text
        #expect(comment.contains("default \(standard);"), "\(comment)")
        #expect(comment.contains(field.allowed), "\(comment)")
    }

    @Test(arguments: [
        ("load", "default all; all, {latest: 1 to 1000}"), ("required", "default true; true or false"),
        ("require", "default []; of: golden, signature"), ("budget", "default: the manifest's; 1us to 1h"),
        ("timeout.default", "default none; none or 1us to 1h"), ("timeout.max", "default 1m; 1us to 1h"),
        ("max_rows", "default 1024; 1 to 65536 rows"),
        ("watch", "default true; after a switch"), ("clients", "default []; names of client certificates"),
        ("rate", "default 0; 0 to 1000000 requests a second"),
        ("queue.lane", "default measured; measured, inline, pooled"),
        ("queue.requests", "default 1024; 1 to 65536 requests"), ("queue.batch_rows", "default 256; 1 to 4096 rows"),
        ("queue.batch_time", "default 500us; 10us to 1s"), ("queue.linger", "default 0s; 0s to 1s"),
        ("queue.concurrency", "default 0; 0 to 256 executors"), ("queue.starvation", "default 8; 1 to 1000 batches"),
        ("queue.target", "default 2ms; 10us to 1m"), ("queue.interval", "default 20ms; 100us to 1m"),
        ("queue.share", "default 1; 1 to 1000"), ("fallback", "default []; at most 8 tiers"),
        ("feedback.enabled", "default true; true or false"),
        ("drift.enabled", "default true; true or false"), ("drift.warn", "default 0.1; 0.01 to 10"),
        ("drift.alert", "default 0.25; 0.01 to 10"), ("drift.min_rows", "default 1000; 100 to 100000000 rows"),
        ("drift.silent", "default []; at most 4096 features"),
        ("decisions.log", "default off; off, sampled, full"),
        ("decisions.sample", "default 100; 1 to 1000000 requests"),
        ("decisions.pii", "default drop; drop, hash"), ("explain.enabled", "default true; true or false"),
        ("explain.budget", "default 100ms; 1us to 1h"),
        ("triggers", "default []; at most 32 of {name, when, webhook, cooldown, retry}"),
        ("on_new_version", "default ignore; ignore, load, {rollout: PLAN, approval: none or required}"),
        ("route.stable", "default: the highest version that is ready"),
    ])
    func modelFieldIsDocumented(key: String, text: String) throws {
        #expect(try Self.comment(of: "models.fraud.\(key)").contains(text))
    }

    @Test(arguments: ["certificates", "revocations", "clients"])
    func listIsDocumented(key: String) throws {
        #expect(try Self.comment(of: "listen.tls.\(key)").contains("default []; "))
    }

    /// The message for an unknown key lists the fields there are: none may be missing in the test above.
    @Test func noModelFieldIsForgotten() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader.parse("models: {fraud: {nothing: 1}}")
        }
        let known =
            "(known here: load, required, require, budget, timeout, max_rows, clients, rate, queue, fallback, route, "
            + "watch, drift, decisions, feedback, explain, triggers, "
            + "on_new_version)"
        #expect(error?.message.hasSuffix(known) == true)
        #expect(throws: Never.self) {
            let fraud = try ConfigurationLoader.load(file: Self.file).model(named: "fraud")
            #expect(fraud.stableVersion == "1")
            #expect(fraud.requirements == [.golden])
        }
    }
}
