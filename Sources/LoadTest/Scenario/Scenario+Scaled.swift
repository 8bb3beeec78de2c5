// The same scenario, shorter or longer, gentler or harder: a soak of an hour tried in ten seconds, a payment path at the
// rate that a small machine can take.  Budgets stay as they are, but those on throughput, which follow the rate.

public import Configuration

extension Scenario {
    /// - Parameters:
    ///   - time: every phase and step takes so many times as long; a replay goes so many times as slowly, so that it
    ///     still ends where it did.
    ///   - rate: every open loop and every replay is so many times as fast.
    public func scaled(time: Double, rate: Double) throws(ConfigurationError) -> Scenario {
        guard seconds * time <= Self.secondsMax else {
            throw ConfigurationError(
                source: "--time", message: "makes it \(Text.number(seconds * time)) s in all, at most a day is allowed")
        }
        var scenario = self
        for phase in phases.indices {
            scenario.phases[phase].seconds *= time
            scenario.phases[phase].loads = phases[phase].loads.mapValues { load in
                switch load {
                case .open(let curve, let spacing): .open(curve.scaled(time: time, rate: rate), spacing)
                case .replay(let recording, let speed): .replay(recording, speed: speed / time * rate)
                case .closed: load
                }
            }
        }
        for step in steps.indices { scenario.steps[step].seconds *= time }
        for phase in scenario.phases {
            if let problem = phase.emptyReplay { throw ConfigurationError(source: "--rate", message: problem) }
        }
        for index in budgets.indices { scenario.budgets[index].bound = scaledBound(budgets[index], in: scenario) }
        return scenario
    }

    /// A bound on throughput follows the rate that the schedule asks for; a closed loop's rate is the target's doing.
    private func scaledBound(_ budget: Budget, in scaled: Scenario) -> Budget.Bound {
        guard budget.measure == .throughput, case .absolute(let bound) = budget.bound else { return budget.bound }
        guard let before = scheduledRate(budget.selection), let after = scaled.scheduledRate(budget.selection),
            before > 0
        else { return budget.bound }
        return .absolute(bound * (after / before))
    }

    /// Requests a second that are due in the phases that a selection takes in, on average; nil: a closed loop is among
    /// them, or no load at all.
    func scheduledRate(_ selection: Selection) -> Double? {
        var (count, seconds) = (0.0, 0.0)
        for phase in phases where selection.phase == nil || phase.name == selection.phase {
            guard let load = phase.loads[selection.trafficClass] else { continue }
            seconds += phase.seconds
            switch load {
            case .open(let curve, _): count += curve.total
            case .replay(let recording, let speed):
                count += Double(recording.dueCount(speed: speed, within: phase.nanos))
            case .closed: return nil
            }
        }
        return seconds > 0 ? count / seconds : nil
    }
}

extension RateCurve {
    /// The same shape over `time` times as long, at `rate` times the rates.
    func scaled(time: Double, rate: Double) -> RateCurve {
        RateCurve(
            pieces.map {
                Piece(start: $0.start * time, end: $0.end * time, from: $0.from * rate, to: $0.to * rate)
            }, seconds: seconds * time)
    }
}
