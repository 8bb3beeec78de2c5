// All cells of all shards, added up once for a scrape.
//
//     shard 0 [ line | line | … ] ─┐  each read from end to end, once
//     shard 1 [ line | line | … ] ─┴─► sums ─► every series of the page
//
// A line that a reactor writes travels to the scraper's core when it is read and back when it is next written. Read cell by
// cell while a page is written, each of a line's eight cells could cost the reactor such a trip; read in one sweep, the
// eight loads of a line are some nanoseconds apart, and a scrape costs a reactor one miss a line that it uses.

import Synchronization

struct CellTotals {
    private let sums: [UInt64]

    /// The first `count` cells of every shard.
    init(_ shards: [MetricsShard], count: Int) {
        var sums = [UInt64](repeating: 0, count: count)
        for shard in shards {
            for cell in 0..<count { sums[cell] &+= shard.cells[cell].load(ordering: .relaxed) }
        }
        self.sums = sums
    }

    subscript(cell: UInt32) -> UInt64 { sums[Int(cell)] }

    /// A histogram's buckets, the last for +Inf.
    func buckets(_ id: HistogramID) -> [UInt64] {
        (0...id.bucket(of: .max)).map { self[id.cell + 1 + UInt32($0)] }
    }

    /// What a histogram has seen above the edge that `value` is, or lies below.
    func above(_ value: UInt64, _ id: HistogramID) -> UInt64 {
        buckets(id)[(id.bucket(of: value) + 1)...].reduce(0, &+)
    }
}
