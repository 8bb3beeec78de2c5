// Something that scores the rows of a model: Serin, a library behind CPeers, or a process.

import CPeers

protocol Scorer: AnyObject {
    var name: String { get }
    /// Answers are margins; else probabilities.
    var givesMargins: Bool { get }
    /// Nanoseconds of `calls` calls, `rows` rows each, from row `first` on, round and round in the first `rotation`.
    func run(first: Int, rows: Int, calls: Int, rotation: Int) throws -> UInt64
    /// The answers to the first `count` rows.
    func answers(_ count: Int) throws -> [Double]
}

/// A library that CPeers drives.
final class LibraryScorer: Scorer {
    let name: String
    private let handle: OpaquePointer

    init(kind: String, folder: String, libraries: String, rows: MeasuredRows) throws {
        name = kind
        var reason = [CChar](repeating: 0, count: 512)
        let table = peer_rows(values: rows.values, count: rows.count, width: rows.width)
        guard let handle = peer_open(kind, folder, libraries, table, &reason, reason.count) else {
            throw Failure(reason.withUnsafeBufferPointer { String(cString: $0.baseAddress!) })
        }
        self.handle = handle
    }

    deinit { peer_close(handle) }

    var givesMargins: Bool { peer_gives_margins(handle) }

    func run(first: Int, rows: Int, calls: Int, rotation: Int) -> UInt64 {
        peer_run(handle, first, rows, calls, rotation)
    }

    func answers(_ count: Int) throws -> [Double] {
        try [Double](unsafeUninitializedCapacity: count) { buffer, filled in
            guard peer_answers(handle, 0, count, buffer.baseAddress!) else { throw Failure("\(name): cannot score") }
            filled = count
        }
    }
}
