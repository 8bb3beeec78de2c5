import Foundation
import Primitives
import Testing

@testable import FileScoring

@Suite struct InputFileTests {
    private func withFile<Result>(_ text: String, _ use: (String) throws -> Result) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appending(path: "serin-\(UUID()).csv")
        try Data(text.utf8).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        return try use(path.path)
    }

    /// Whatever the size of the blocks, each line is in exactly one of them, in order.
    @Test(arguments: [1, 2, 3, 7, 16, 64, 1000])
    func everyLineIsInOneBlock(blockBytes: Int) throws {
        let lines = (0..<60).map { String(repeating: "x", count: ($0 * 7) % 23) + "\($0)" }
        for ending in ["", "\n", "\n\n"] {
            try withFile("head\n" + lines.joined(separator: "\n") + ending) { path in
                let file = try InputFile(path: path)
                #expect(try file.readHeader() == Array("head".utf8))
                var buffer = GrowableBuffer()
                var found: [String] = []
                for block in 0..<file.blockCount(of: blockBytes) {
                    try file.read(block: block, of: blockBytes, into: &buffer)
                    if buffer.count == 0 { continue }
                    let text = String(decoding: buffer.bytes, as: UTF8.self)
                    #expect(text.last == "\n")
                    found += text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
                }
                #expect(found == lines + (ending == "\n\n" ? [""] : []))
            }
        }
    }

    @Test func headers() throws {
        try withFile("\u{feff}a,b\r\n1,2\r\n") { path in
            let file = try InputFile(path: path)
            #expect(try file.readHeader() == Array("a,b".utf8) && file.start == 8)
        }
        try withFile("") { path in
            let file = try InputFile(path: path)
            #expect(throws: (any Error).self) { try file.readHeader() }
        }
        try withFile("only a header") { path in
            let file = try InputFile(path: path)
            #expect(try file.readHeader() == Array("only a header".utf8) && file.blockCount(of: 10) == 0)
        }
    }

    /// A line beyond every bound is cut, and the next block finds the next line.
    @Test func aLineThatNeverEnds() throws {
        let long = String(repeating: "9", count: FileScoringOptions.lineBytesMax + 500_000)
        try withFile("a\n\(long)\nb\n") { path in
            let file = try InputFile(path: path)
            var buffer = GrowableBuffer()
            var found: [Int] = []
            for block in 0..<file.blockCount(of: 1000) {
                try file.read(block: block, of: 1000, into: &buffer)
                found += String(decoding: buffer.bytes, as: UTF8.self).split(separator: "\n").map(\.utf8.count)
            }
            #expect(found.count == 3 && found[0] == 1 && found[2] == 1)
            #expect(found[1] > FileScoringOptions.lineBytesMax && found[1] < FileScoringOptions.lineBytesMax + 2000)
        }
    }

    @Test func checkpointsComeBack() throws {
        var written = Checkpoint(
            input: "5 bytes", model: "m \"1\"", options: "o", blockBytes: 1 << 20, block: 3, outputBytes: 70,
            rejectBytes: 9, lines: 4, rows: 3, rejected: 1)
        let path = FileManager.default.temporaryDirectory.appending(path: "serin-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try Checkpoint.read(path) == nil)
        try written.write(path)
        written.block = 4
        try written.write(path)
        #expect(try Checkpoint.read(path) == written)
        var other = written
        other.model = "another"
        #expect(throws: (any Error).self) { try written.refuse(unlessLike: other, path: path) }
        try Data("{\"schema\":1}".utf8).write(to: URL(filePath: path))
        #expect(throws: (any Error).self) { try Checkpoint.read(path) }
    }
}
