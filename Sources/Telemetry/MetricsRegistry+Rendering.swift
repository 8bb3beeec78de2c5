// The read side: all series as Prometheus text, shards added up.
//
// A scrape runs beside the writers and stops none of them.  A histogram's count is the sum of the
// buckets it has just read, so `_count` and the last `_bucket` always agree, and every number only
// grows from one scrape to the next; `_sum` may be an observation ahead or behind.

import Synchronization

extension MetricsRegistry {
    /// The content type of `render()`.
    public static var contentType: StaticString { TextExposition.contentType }

    /// All metrics in the Prometheus text format 0.0.4.
    public func render() -> [UInt8] {
        let families = state.withLock { $0.families }
        var text = ""
        for family in families where !family.series.isEmpty {
            text += "# HELP \(family.name) \(TextExposition.escapedHelp(family.help))\n"
            text += "# TYPE \(family.name) \(family.type.rawValue)\n"
            for series in family.series { render(series, of: family.name, into: &text) }
        }
        return Array(text.utf8)
    }

    private func render(_ series: Series, of name: String, into text: inout String) {
        let labels = series.labels.isEmpty ? "" : "{\(series.labels)}"
        switch series.source {
        case .counter(let id, .plain): text += "\(name)\(labels) \(total(id))\n"
        case .counter(let id, .seconds):
            text += "\(name)\(labels) \(TextExposition.number(Double(total(id)) / 1e9))\n"
        case .gauge(let id): text += "\(name)\(labels) \(total(id))\n"
        case .reading(let read): text += "\(name)\(labels) \(TextExposition.number(read()))\n"
        case .histogram(let histogram): render(histogram, of: name, labels: series.labels, into: &text)
        case .histogramReading(let edges, let read):
            let (buckets, sum) = read()
            render(edges, buckets, TextExposition.number(sum), of: name, labels: series.labels, into: &text)
        }
    }

    private func render(_ histogram: Histogram, of name: String, labels: String, into text: inout String) {
        let sum = total(cell: histogram.id.cell)
        let buckets = (0...histogram.edges.count).map { total(cell: histogram.id.cell + 1 + UInt32($0)) }
        let sumText = histogram.unit == .seconds ? TextExposition.number(Double(sum) / 1e9) : "\(sum)"
        render(histogram.edges, buckets, sumText, of: name, labels: labels, into: &text)
    }

    private func render(
        _ edges: [Double], _ buckets: [UInt64], _ sum: String, of name: String, labels: String, into text: inout String
    ) {
        let comma = labels.isEmpty ? "" : ","
        var count: UInt64 = 0
        for (edge, bucket) in zip(edges + [.infinity], buckets) {
            count += bucket
            text += "\(name)_bucket{\(labels)\(comma)le=\"\(TextExposition.number(edge))\"} \(count)\n"
        }
        let braces = labels.isEmpty ? "" : "{\(labels)}"
        text += "\(name)_sum\(braces) \(sum)\n"
        text += "\(name)_count\(braces) \(count)\n"
    }
}
