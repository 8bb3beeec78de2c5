// What a class needs before it runs: its requests, written, and its schedule.

internal import Configuration

struct ClassPlan {
    let index: Int
    let entry: TrafficClass
    let target: Target
    let tls: TLSFiles
    let source: RowSource?
    let bodies: [RequestBodies.Body]
    let requests: RequestSet
    let schedule: ClassSchedule

    /// Recorded bodies that are prepared at most.
    static let bodiesMax = 200_000

    /// - Parameter sources: rows by model, so that classes of one model share them.
    init(_ scenario: Scenario, _ index: Int, sources: inout [String: RowSource]) throws(LoadTestError) {
        let entry = scenario.classes[index]
        guard let target = scenario.targets[entry.target] else { throw .unreachable("no target \(entry.target)") }
        (self.index, self.entry, self.target, tls) = (index, entry, target, scenario.tls)
        do throws(ConfigurationError) {
            source = try Self.source(entry, scenario, &sources)
        } catch { throw .configuration(error) }
        bodies = source.map { RequestBodies(source: $0, entry: entry).make() } ?? []
        let recordings = scenario.phases.map { phase -> Recording? in
            if case .replay(let recording, _) = phase.loads[entry.name] { recording } else { nil }
        }
        requests = RequestSet(entry, target, bodies: bodies, recordings: recordings.compactMap { $0 })
        var lines: [[(request: Int32, key: Int32)]] = []
        var known: [String: Int32] = [:]
        for recording in recordings {
            let bodyCount = recording?.entries.count { $0.body != nil } ?? 0
            guard bodyCount <= Self.bodiesMax else {
                throw .configuration(
                    ConfigurationError(
                        source: scenario.name,
                        message: "a recording holds \(bodyCount) bodies, at most "
                            + "\(Self.bodiesMax) are prepared"))
            }
            lines.append(Self.lines(recording, requests, &known))
        }
        schedule = ClassSchedule(scenario, class: index, rowCount: requests.rowCount, lines: lines)
    }

    /// What a scenario and its rows do that the author may not expect; what classes share is said once.
    static func notes(_ scenario: Scenario, _ plans: [ClassPlan]) -> [String] {
        var notes = scenario.notes
        for plan in plans {
            for note in plan.source?.notes ?? [] where !notes.contains(note) { notes.append(note) }
        }
        return notes
    }

    private static func source(
        _ entry: TrafficClass, _ scenario: Scenario, _ sources: inout [String: RowSource]
    ) throws(ConfigurationError) -> RowSource? {
        if entry.api == .plain { return nil }
        let key = "\(entry.model) \(entry.version ?? "") \(entry.api == .v1) \(entry.rows)"
        if let known = sources[key] { return known }
        let source = try RowSource(entry, repository: scenario.models)
        sources[key] = source
        return source
    }

    private static func lines(
        _ recording: Recording?, _ requests: RequestSet, _ known: inout [String: Int32]
    ) -> [(request: Int32, key: Int32)] {
        guard let recording else { return [] }
        return recording.entries.map { line in
            var key: Int32 = -1
            if let text = line.key {
                key = known[text] ?? Int32(requests.add(key: text))
                known[text] = key
            }
            return (line.body.map { Int32(requests.add(body: $0)) } ?? -1, key)
        }
    }
}
