// Declaring metrics: names are checked, cells are handed out, a series that is known keeps its id.

import Synchronization

extension MetricsRegistry {
    public typealias Labels = [(String, String)]

    /// A number that only grows. Of seconds, nanoseconds are added.
    public func counter(
        _ name: String, _ help: String, labels: Labels = [], unit: Unit = .plain
    ) throws(MetricsError) -> CounterID {
        let source = try declare(name, help, .counter, labels) { state throws(MetricsError) in
            .counter(CounterID(cell: try self.takeCells(1, for: name, in: &state)), unit)
        }
        guard case .counter(let id, unit) = source else { throw Self.otherSource(name) }
        return id
    }

    /// A number that shards move up and down: what all of them added, less what they took away.
    public func gauge(_ name: String, _ help: String, labels: Labels = []) throws(MetricsError) -> GaugeID {
        let source = try declare(name, help, .gauge, labels) { state throws(MetricsError) in
            .gauge(GaugeID(cell: try self.takeCells(1, for: name, in: &state)))
        }
        guard case .gauge(let id) = source else { throw Self.otherSource(name) }
        return id
    }

    /// A number that is read when somebody asks; declared again, the newer `read` is used.
    public func gauge(
        _ name: String, _ help: String, labels: Labels = [], read: @Sendable @escaping () -> Double
    ) throws(MetricsError) {
        try declareReading(name, help, .gauge, labels, read)
    }

    /// A growing number that is kept elsewhere and read when somebody asks.
    public func counter(
        _ name: String, _ help: String, labels: Labels = [], read: @Sendable @escaping () -> Double
    ) throws(MetricsError) {
        try declareReading(name, help, .counter, labels, read)
    }

    /// Counts what a histogram has seen beyond `value`, one of its edges (nanoseconds, of seconds): nothing is written for it.
    public func counter(
        _ name: String, _ help: String, labels: Labels = [], above value: UInt64, in id: HistogramID
    ) throws(MetricsError) {
        let source = try declare(name, help, .counter, labels) { _ in .above(id, value) }
        guard case .above(id, value) = source else { throw Self.otherSource(name) }
    }

    /// A distribution. `edges`: inclusive upper bounds, ascending, in seconds or plain numbers (then
    /// whole); +Inf is added. An edge of seconds is kept to the nanosecond. `exemplars`: its buckets show requests' traces.
    public func histogram(
        _ name: String, _ help: String, labels: Labels = [], edges: [Double], unit: Unit, exemplars: Bool = false
    ) throws(MetricsError) -> HistogramID {
        let scaled = try Self.scaledEdges(edges, unit, of: name)
        let source = try declare(name, help, .histogram, labels) { state throws(MetricsError) in
            let cell = try self.takeCells(scaled.count + 2, for: name, in: &state)
            let slots = exemplars ? Self.takeExemplars(scaled.count + 1, in: &state) : -1
            let id = HistogramID(cell: cell, search: BucketSearch.make(scaled), exemplars: slots)
            return .histogram(Histogram(id: id, edges: edges, unit: unit))
        }
        guard case .histogram(let histogram) = source else { throw Self.otherSource(name) }
        guard histogram.edges == edges, histogram.unit == unit else {
            throw MetricsError(name, "these labels are declared with other edges")
        }
        return histogram.id
    }

    /// A distribution that is kept elsewhere and read when somebody asks; declared again, the newer `read` is used.
    public func histogram(
        _ name: String, _ help: String, labels: Labels = [], edges: [Double], read: @escaping HistogramReading
    ) throws(MetricsError) {
        let source = try declare(name, help, .histogram, labels, replacing: true) { _ in
            .histogramReading(edges: edges, read)
        }
        guard case .histogramReading = source else { throw Self.otherSource(name) }
    }
}

extension MetricsRegistry {
    private static func otherSource(_ name: String) -> MetricsError {
        MetricsError(name, "these labels are declared as a value that is read elsewhere, or the other way round")
    }

    private func declareReading(
        _ name: String, _ help: String, _ type: FamilyType, _ labels: Labels, _ read: @Sendable @escaping () -> Double
    ) throws(MetricsError) {
        let source = try declare(name, help, type, labels, replacing: true) { _ in .reading(read) }
        guard case .reading = source else { throw Self.otherSource(name) }
    }

    /// The series' source: the one it has, or what `make` gives a new one. `replacing`: a known
    /// reading is replaced.
    private func declare(
        _ name: String, _ help: String, _ type: FamilyType, _ labels: Labels, replacing: Bool = false,
        make: (inout State) throws(MetricsError) -> Source
    ) throws(MetricsError) -> Source {
        try Self.check(name, labels, type)
        let key = TextExposition.labels(labels)
        return try state.withLock { (state) throws(MetricsError) -> Source in
            let family = try Self.family(name, help, type, in: &state)
            if let known = state.families[family].seriesIndex[key] {
                switch state.families[family].series[known].source {
                case .reading where replacing, .histogramReading where replacing:
                    state.families[family].series[known].source = try make(&state)
                default: break
                }
                return state.families[family].series[known].source
            }
            let source = try make(&state)
            state.families[family].seriesIndex[key] = state.families[family].series.count
            state.families[family].series.append(Series(labels: key, source: source))
            return source
        }
    }

    /// The index of the family `name`, which is added where it is new.
    private static func family(
        _ name: String, _ help: String, _ type: FamilyType, in state: inout State
    ) throws(MetricsError) -> Int {
        if let known = state.familyIndex[name] {
            let family = state.families[known]
            guard family.type == type, family.help == help else {
                throw MetricsError(name, "declared before as a \(family.type.rawValue) with the help '\(family.help)'")
            }
            return known
        }
        state.familyIndex[name] = state.families.count
        state.families.append(Family(name: name, help: help, type: type))
        return state.families.count - 1
    }

    private func takeCells(_ count: Int, for name: String, in state: inout State) throws(MetricsError) -> UInt32 {
        guard state.cellsUsed + count <= capacity else {
            throw MetricsError(
                name,
                "needs \(count) cells, but \(state.cellsUsed) of \(capacity) are used: load fewer model versions")
        }
        defer { state.cellsUsed += count }
        return UInt32(state.cellsUsed)
    }

    /// The first of so many slots; -1: there are not so many left.
    private static func takeExemplars(_ count: Int, in state: inout State) -> Int32 {
        guard state.exemplarsUsed + count <= exemplarsMax else { return -1 }
        defer { state.exemplarsUsed += count }
        return Int32(state.exemplarsUsed)
    }

    /// Edges as the integers that are observed: nanoseconds, or the numbers themselves.
    private static func scaledEdges(
        _ edges: [Double], _ unit: Unit, of name: String
    ) throws(MetricsError) -> [UInt64] {
        guard !edges.isEmpty, edges.count <= BucketSearch.edgeCountMax else {
            throw MetricsError(name, "has \(edges.count) edges, expected 1 to \(BucketSearch.edgeCountMax)")
        }
        var scaled: [UInt64] = []
        for edge in edges {
            let value = unit == .seconds ? (edge * 1e9).rounded() : edge
            guard let whole = UInt64(exactly: value), whole < .max, scaled.last.map({ $0 < whole }) ?? true else {
                throw MetricsError(name, "edges must be ascending, not negative, and whole in their unit")
            }
            scaled.append(whole)
        }
        return scaled
    }

    /// Names as the text format allows them; `le` belongs to histograms.
    private static func check(_ name: String, _ labels: Labels, _ type: FamilyType) throws(MetricsError) {
        guard TextExposition.isMetricName(name) else {
            throw MetricsError(name, "not a name of the text format: [a-zA-Z_:][a-zA-Z0-9_:]*")
        }
        if type == .counter, !name.hasSuffix("_total") {
            throw MetricsError(name, "a counter's name ends in _total, as OpenMetrics wants it")
        }
        for (index, (label, _)) in labels.enumerated() {
            let reserved = label.hasPrefix("__") || (type == .histogram && label == "le")
            let repeated = labels[..<index].contains { $0.0 == label }
            guard TextExposition.isLabelName(label), !reserved, !repeated else {
                throw MetricsError(name, "label '\(label)' is reserved, repeated or not [a-zA-Z_][a-zA-Z0-9_]*")
            }
        }
    }
}
