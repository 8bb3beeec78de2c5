// All that one run recorded: a series for each class, phase and version, found by index while it runs and by name after.
//
//     classes × phases × versions (8; later ones share the last)  ──► Series
//
// 16 classes, 32 phases and 8 versions would take too much at 400 blocks each, so the blocks of a phase become fewer
// until the whole table fits 512 MiB.

struct RunRecord {
    static let bytesMax = 512 << 20
    /// Distinct versions of a class that are told apart; no version (an error) is one.
    static let versionsMax = 8

    /// What the generator did for a class in a phase.
    struct Sending {
        /// Requests that the schedule held.
        var scheduled = 0
        /// Requests that were written before their phase was over and not late for lack of anything.
        var sent = 0
        /// Requests that were given up before they could be written.
        var unsent = 0
        /// Nanoseconds between due and released by the generator itself.
        var lateness = Series(seconds: 1, blocksMax: 1)
        /// Nanoseconds between released and written: every stream was in use.
        var waiting = Series(seconds: 1, blocksMax: 1)
    }

    let classes: [String]
    let phases: [Phase]
    /// By class; the first is "", no version.
    private(set) var versions: [[String]]
    private var series: [Series?]
    var sending: [Sending?]
    private let blocksMax: Int
    /// How much of each phase there was; less than its seconds where the run was interrupted.
    private(set) var elapsed: [Double]

    init(_ scenario: Scenario) {
        classes = scenario.classes.map(\.name)
        phases = scenario.phases
        versions = Array(repeating: [""], count: classes.count)
        series = Array(repeating: nil, count: classes.count * phases.count * Self.versionsMax)
        sending = Array(repeating: nil, count: classes.count * phases.count)
        elapsed = scenario.phases.map(\.seconds)
        let rows = series.count
        blocksMax = min(400, max(20, Self.bytesMax / (rows * LatencyBins.count * 4)))
        // What a budget asks for has a place of its own, however many others come.
        for budget in scenario.budgets {
            var selections = [budget.selection]
            if case .relative(_, let baseline) = budget.bound { selections.append(baseline) }
            for selection in selections {
                guard let version = selection.version, let index = classes.firstIndex(of: selection.trafficClass) else {
                    continue
                }
                _ = self.version(version, ofClass: index)
            }
        }
    }

    /// The index of a class's version, which it gets when it is first seen.
    mutating func version(_ text: String, ofClass index: Int) -> Int {
        if let found = versions[index].firstIndex(of: text) { return found }
        guard versions[index].count < Self.versionsMax else { return Self.versionsMax - 1 }
        versions[index].append(versions[index].count == Self.versionsMax - 1 ? "other" : text)
        return versions[index].count - 1
    }

    private func place(_ trafficClass: Int, _ phase: Int, _ version: Int) -> Int {
        (trafficClass * phases.count + phase) * Self.versionsMax + version
    }

    mutating func record(
        trafficClass: Int, phase: Int, version: Int, due: Double, _ outcome: Counts, latency: UInt64?,
        ended: Double? = nil
    ) {
        let place = place(trafficClass, phase, version)
        if series[place] == nil { series[place] = Series(seconds: phases[phase].seconds, blocksMax: blocksMax) }
        series[place]?.record(due: due, outcome, latency: latency, ended: ended)
    }

    mutating func send(_ trafficClass: Int, _ phase: Int, _ change: (inout Sending) -> Void) {
        let place = trafficClass * phases.count + phase
        if sending[place] == nil { sending[place] = Sending() }
        if sending[place] != nil { change(&sending[place]!) }
    }

    func sending(_ trafficClass: Int, _ phase: Int) -> Sending? { sending[trafficClass * phases.count + phase] }

    // MARK: After the run

    /// The run was interrupted so many seconds after its begin.
    mutating func cut(at seconds: Double) {
        var rest = seconds
        for phase in phases.indices {
            elapsed[phase] = min(max(rest, 0), phases[phase].seconds)
            rest -= phases[phase].seconds
        }
    }

    /// All versions of a class in a phase, or one; nil: it had no load there.
    func series(_ trafficClass: Int, _ phase: Int, version: String? = nil) -> Series? {
        guard phases[phase].loads[classes[trafficClass]] != nil, elapsed[phase] > 0 else { return nil }
        var all = Series(seconds: phases[phase].seconds, blocksMax: blocksMax)
        all.seconds = elapsed[phase]
        for (index, name) in versions[trafficClass].enumerated() where version == nil || version == name {
            if let part = series[place(trafficClass, phase, index)] { all.add(part) }
        }
        return all
    }

    /// What a budget or a line of the table is about; phases without a load of the class are left out.
    func series(_ selection: Selection) -> Series? {
        guard let trafficClass = classes.firstIndex(of: selection.trafficClass) else { return nil }
        var all: Series?
        for phase in phases.indices where selection.phase == nil || phases[phase].name == selection.phase {
            guard let part = series(trafficClass, phase, version: selection.version) else { continue }
            all = all.map { $0.followed(by: part) } ?? part
        }
        return all
    }
    /// The requests of a version's class and phases that ended badly and name no version: some may have been its own.
    func unattributed(_ selection: Selection) -> Series? {
        guard selection.version != nil else { return nil }
        let nameless = Selection(trafficClass: selection.trafficClass, phase: selection.phase, version: "")
        return series(nameless).flatMap { $0.counts.errors > 0 ? $0 : nil }
    }
}
