// The same scenario, shorter or longer, gentler or harder: a soak of an hour tried in ten seconds, a payment path at the
// rate that a small machine can take.  Budgets stay as they are, but those on throughput, which follow the rate.

extension Scenario {
    /// - Parameters:
    ///   - time: every phase and step takes so many times as long.
    ///   - rate: every open loop is so many times as fast.
    public func scaled(time: Double, rate: Double) -> Scenario {
        var scenario = self
        for phase in phases.indices {
            scenario.phases[phase].seconds *= time
            scenario.phases[phase].loads = phases[phase].loads.mapValues { load in
                switch load {
                case .open(let curve, let spacing): .open(curve.scaled(time: time, rate: rate), spacing)
                case .replay(let recording, let speed): .replay(recording, speed: speed / time)
                case .closed: load
                }
            }
        }
        for step in steps.indices { scenario.steps[step].seconds *= time }
        for index in budgets.indices where budgets[index].measure == .throughput {
            if case .absolute(let bound) = budgets[index].bound {
                scenario.budgets[index].bound = .absolute(bound * rate)
            }
        }
        return scenario
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
