// One scrape's page, in either format, out of sums that were read before it is written.
//
// What OpenMetrics has besides: a counter's family is named without `_total`, a name's unit is said once more, edges
// are written with a point, a bucket may show a request's trace, and the page ends in `# EOF`.

import CLinux
import Glibc

struct MetricsPage {
    private let format: ExpositionFormat
    private let totals: CellTotals
    private let exemplars: (HistogramID, Int) -> Exemplar?
    /// What the wall clock is ahead of the monotonic one, in nanoseconds.
    private let clockOffset: UInt64
    private(set) var text = ""

    /// `exemplars`: the newest of a histogram's bucket; asked only where the format shows it.
    init(_ format: ExpositionFormat, _ totals: CellTotals, exemplars: @escaping (HistogramID, Int) -> Exemplar?) {
        self.format = format
        self.totals = totals
        self.exemplars = exemplars
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        clockOffset = UInt64(wall.tv_sec) * 1_000_000_000 + UInt64(wall.tv_nsec) &- clinux_now()
    }

    mutating func append(_ family: MetricsRegistry.Family) {
        var name = family.name
        if format == .openMetrics, family.type == .counter { name = String(name.dropLast("_total".utf8.count)) }
        text += "# HELP \(name) \(TextExposition.escapedHelp(family.help, quotes: format == .openMetrics))\n"
        text += "# TYPE \(name) \(family.type.rawValue)\n"
        if format == .openMetrics, let unit = Self.unit(of: name) { text += "# UNIT \(name) \(unit)\n" }
        for series in family.series { append(series, of: family.name) }
    }

    mutating func end() -> [UInt8] {
        if format == .openMetrics { text += "# EOF\n" }
        return Array(text.utf8)
    }

    /// The base unit that a name ends in.
    private static func unit(of name: String) -> String? {
        ["seconds", "bytes", "ratio"].first { name.hasSuffix("_\($0)") }
    }

    private mutating func append(_ series: MetricsRegistry.Series, of name: String) {
        let labels = series.labels.isEmpty ? "" : "{\(series.labels)}"
        switch series.source {
        case .counter(let id, .plain): text += "\(name)\(labels) \(totals[id.cell])\n"
        case .counter(let id, .seconds):
            text += "\(name)\(labels) \(TextExposition.number(Double(totals[id.cell]) / 1e9))\n"
        case .gauge(let id): text += "\(name)\(labels) \(Int64(bitPattern: totals[id.cell]))\n"
        case .above(let id, let value): text += "\(name)\(labels) \(totals.above(value, id))\n"
        case .reading(let read): text += "\(name)\(labels) \(TextExposition.number(read()))\n"
        case .histogram(let histogram): append(histogram, of: name, labels: series.labels)
        case .histogramReading(let edges, let read):
            let (buckets, sum) = read()
            append(edges, buckets, TextExposition.number(sum), of: name, labels: series.labels) { _ in "" }
        }
    }

    private mutating func append(_ histogram: MetricsRegistry.Histogram, of name: String, labels: String) {
        let sum = totals[histogram.id.cell]
        let scale = histogram.unit == .seconds ? 1e9 : 1
        append(
            histogram.edges, totals.buckets(histogram.id), TextExposition.number(Double(sum) / scale), of: name,
            labels: labels
        ) { [format, exemplars, clockOffset] bucket in
            guard format == .openMetrics, let exemplar = exemplars(histogram.id, bucket) else { return "" }
            let millis = (exemplar.at &+ clockOffset) / 1_000_000
            let fraction = String(millis % 1000 + 1000).dropFirst()
            let value = TextExposition.number(Double(exemplar.value) / scale)
            return " # {trace_id=\"\(exemplar.traceText)\"} \(value) \(millis / 1000).\(fraction)"
        }
    }

    private mutating func append(
        _ edges: [Double], _ buckets: [UInt64], _ sum: String, of name: String, labels: String,
        _ exemplar: (Int) -> String
    ) {
        let comma = labels.isEmpty ? "" : ","
        var count: UInt64 = 0
        for (index, (edge, bucket)) in zip(edges + [.infinity], buckets).enumerated() {
            count += bucket
            let edgeText = format == .openMetrics ? TextExposition.edge(edge) : TextExposition.number(edge)
            text += "\(name)_bucket{\(labels)\(comma)le=\"\(edgeText)\"} \(count)\(exemplar(index))\n"
        }
        let braces = labels.isEmpty ? "" : "{\(labels)}"
        // OpenMetrics has no sum that may fall.
        let isSummed = format == .prometheus || edges.first.map { $0 >= 0 } ?? true
        if isSummed { text += "\(name)_sum\(braces) \(sum)\n" }
        text += "\(name)_count\(braces) \(count)\n"
    }
}
