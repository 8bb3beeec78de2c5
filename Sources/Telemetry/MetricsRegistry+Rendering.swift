// The read side: all series as text, shards added up.
//
// A scrape runs beside the writers and stops none of them; it sweeps over each shard once (`CellTotals`) and writes the
// page out of what it has read. A histogram's count is the sum of its buckets, so `_count` and the last `_bucket` always
// agree, and every number only grows from one scrape to the next; `_sum` may be an observation ahead or behind.

import Synchronization

extension MetricsRegistry {
    /// All metrics as text.
    public func render(_ format: ExpositionFormat = .prometheus) -> [UInt8] {
        let (families, cellsUsed) = state.withLock { ($0.families, $0.cellsUsed) }
        var page = MetricsPage(format, CellTotals(shards, count: cellsUsed), exemplars: newestExemplar)
        for family in families where !family.series.isEmpty { page.append(family) }
        return page.end()
    }

    private func newestExemplar(_ id: HistogramID, _ bucket: Int) -> Exemplar? {
        guard id.exemplars >= 0 else { return nil }
        let offset = (Int(id.exemplars) + bucket) * ExemplarSlot.words
        return shards.compactMap { ExemplarSlot.read($0.exemplars + offset) }.max { $0.at < $1.at }
    }
}
