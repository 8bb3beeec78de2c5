// CatBoost's own Pool, in a Python process on the same core: peers/catboost_pool.py has the protocol.

import Foundation

final class PoolScorer: Scorer {
    let name = "catboost-pool"
    let givesMargins = true
    private let process = Process()
    private let requests = Pipe()
    private let replies = Pipe()
    private var unread = Data()

    /// The process inherits the caller's core.
    init(python: String, script: String, folder: String) throws {
        process.executableURL = URL(filePath: python)
        process.arguments = [script, folder]
        process.standardInput = requests
        process.standardOutput = replies
        try process.run()
        guard try line() == "ready" else { throw Failure("\(name): did not start") }
    }

    deinit {
        // Its input ends, and so does it.
        try? requests.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// The process rotates by itself.
    func run(first: Int, rows: Int, calls: Int, rotation: Int) throws -> UInt64 {
        try send("\(rows) \(calls)")
        guard let nanos = UInt64(try line()) else { throw Failure("\(name): did not answer with a number") }
        return nanos
    }

    func answers(_ count: Int) throws -> [Double] {
        try send("answers \(count)")
        return try (0..<count).map { _ in
            guard let answer = Double(try line()) else { throw Failure("\(name): did not answer with a number") }
            return answer
        }
    }

    private func send(_ text: String) throws {
        try requests.fileHandleForWriting.write(contentsOf: Data("\(text)\n".utf8))
    }

    private func line() throws -> String {
        let newline = UInt8(ascii: "\n")
        while true {
            if let end = unread.firstIndex(of: newline) {
                let text = String(decoding: unread[unread.startIndex..<end], as: UTF8.self)
                unread = unread[unread.index(after: end)...]
                return text
            }
            let more = replies.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Failure("\(name): ended") }
            unread.append(more)
        }
    }
}
