// A bundle small enough to be known by heart: two stumps, three features.
//
//     margin = (amount < 100 ? -0.5 : 0.7) + (country < 0.5 ? 0.2 : -0.3)     missing goes left
//
// Its golden rows come from that line, not from the code under test.

import Foundation
import Registry

struct TinyBundle {
    static let packageFolder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let fixtures = packageFolder.appending(path: "Tests/Fixtures/bundles")
    static let model = try! [UInt8](Data(contentsOf: fixtures.appending(path: "tiny/model.json")))
    static let manifest = try! String(contentsOf: fixtures.appending(path: "tiny/manifest.yaml"), encoding: .utf8)

    /// Everything but SHA256SUMS, which `write` makes.
    var files: [String: [UInt8]] = [
        "model.json": model, "manifest.yaml": Array(manifest.utf8), "golden.ndjson": Array(golden().utf8),
        "profile.json": Array(profile.utf8),
    ]

    /// Writes the bundle; `tamper` changes files after their checksums were taken.
    func write(to folder: URL, tamper: (inout [String: [UInt8]]) -> Void = { _ in }) throws {
        var files = files
        let sums = files.sorted { $0.key < $1.key }.map { "\(SHA256Digest(of: $0.value))  \($0.key)\n" }.joined()
        files["SHA256SUMS"] = Array(sums.utf8)
        tamper(&files)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, bytes) in files { try Data(bytes).write(to: folder.appending(path: name)) }
    }

    mutating func replace(_ text: String, by other: String, in file: String) {
        let old = String(decoding: files[file]!, as: UTF8.self)
        precondition(old.contains(text), "\(text) is not in \(file)")
        files[file] = Array(old.replacing(text, with: other, maxReplacements: 1).utf8)
    }

    /// A line of golden.ndjson, by the margin's definition.
    static func row(amount: Float?, country: Int?, age: Int?, isDouble: Bool = false) -> String {
        let first: Float = amount.map { $0 < 100 ? -0.5 : 0.7 } ?? -0.5
        let second: Float = country.map { $0 == 0 ? 0.2 : -0.3 } ?? 0.2
        let margin = first + second
        let score = 1 / (1 + exp(-margin))
        let name = country.map { ["\"DE\"", "\"FR\""][$0] } ?? "null"
        let cells = "[\(amount.map { "\($0)" } ?? "null"),\(name),\(age.map(String.init) ?? "null")]"
        return
            "{\"row\":\(cells),\"input\":\"\(isDouble ? "FP64" : "FP32")\",\"margin\":[\(margin)],\"score\":[\(score)]}"
    }

    /// Golden rows of every kind, FP32 and FP64 mixed.
    static func golden(count: Int = 64) -> String {
        (0..<count).map { index in
            row(
                amount: index % 7 == 0 ? nil : Float(index) * 3.1, country: [nil, 0, 1][index % 3],
                age: index % 5 == 0 ? nil : index, isDouble: index % 4 == 3) + "\n"
        }.joined()
    }

    static let profile = """
        {"schema":1,"rows":10,"model_sha256":"\(SHA256Digest(of: model))","features":[
        {"name":"amount","kind":"number","edges":[0,50.5,100],"counts":[3,4],"underflow":1,"overflow":1,"missing":1},
        {"name":"country","kind":"category","counts":{"DE":6,"FR":3},"other":1,"missing":0},
        {"name":"age","kind":"number","edges":[30,30],"counts":[10],"underflow":0,"overflow":0,"missing":0}],
        "score":{"output":"score","edges":[0,0.5,1],"counts":[7,3]}}
        """
}

/// A folder of its own for one test, removed with it.
final class TemporaryFolder {
    let url: URL
    var path: String { url.path(percentEncoded: false) }

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "serin-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    subscript(path: String) -> URL { url.appending(path: path) }
}
