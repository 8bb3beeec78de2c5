// What a scenario does that its author may not expect, a sentence each: no error, and nothing to keep silent about.

extension Scenario {
    /// Known before anything runs; those about rows come with the rows (`ClassPlan.notes`).
    public var notes: [String] {
        var notes: [String] = []
        for phase in phases {
            for (name, load) in phase.loads.sorted(by: { $0.key < $1.key }) {
                guard case .replay(let recording, let speed) = load else { continue }
                let count = recording.entries.count
                let rest = count - recording.dueCount(speed: speed, within: phase.nanos)
                guard rest > 0 else { continue }
                notes.append(
                    "replay of \(name) in \(phase.name): \(rest) of \(count) requests lie after its end and are not "
                        + "sent")
            }
        }
        return notes + evenPairs
    }

    /// Two even schedules in one phase keep their order: the one is always asked so long after the other, which finds the
    /// processor awake or not. Their median latencies differ by a tenth then, on the very same server.
    private var evenPairs: [String] {
        var notes: [String] = []
        for budget in budgets {
            guard case .relative(_, let baseline) = budget.bound else { continue }
            let (mine, theirs) = (budget.selection.trafficClass, baseline.trafficClass)
            for phase in phases where [nil, phase.name].contains(budget.selection.phase) && mine != theirs {
                guard phase.evenClasses.contains(mine), phase.evenClasses.contains(theirs) else { continue }
                let note =
                    "\(mine) and \(theirs) are asked in a fixed order in \(phase.name), which favours one of them; "
                    + "poisson arrivals do not"
                if !notes.contains(note) { notes.append(note) }
            }
        }
        return notes
    }
}

extension Phase {
    fileprivate var evenClasses: [String] {
        loads.filter { if case .open(_, .even) = $0.value { true } else { false } }.map(\.key)
    }

    /// A replay that sends nothing, because the phase ends before its first request; nil: there is none.
    var emptyReplay: String? {
        for (trafficClass, load) in loads.sorted(by: { $0.key < $1.key }) {
            guard case .replay(let recording, let speed) = load, let first = recording.entries.first,
                recording.dueCount(speed: speed, within: nanos) == 0
            else { continue }
            return "replay of \(trafficClass) in \(name) sends nothing: its first request is due after "
                + "\(Text.number(first.seconds / speed)) s, and the phase lasts \(Text.number(seconds)) s"
        }
        return nil
    }
}
