// Through a restart: everything but the plan, which the owner stores as its text, to the last bit.
//
// What was acknowledged is what serves.  A raise that was under way is asked for again; a hook that was is called
// again; a rollback that was recorded is carried out again, first of all.

extension RolloutMachine {
    /// All that must survive.
    public func snapshot() -> [UInt8] {
        var writer = SnapshotWriter()
        for text in [id, stable, candidate, startedBy] { writer.write(text) }
        write(evaluator.settings, to: &writer)
        for text in [state.rawValue, resumesTo.rawValue] { writer.write(text) }
        Self.write(reason, to: &writer)
        writer.write(step)
        writer.write(percent)
        for number in [UInt64(epoch), tick, since, hookSequence] { writer.write(number) }
        writer.write(isHeld)
        evaluator.write(to: &writer)
        return writer.sealed()
    }

    private func write(_ settings: GuardSettings, to writer: inout SnapshotWriter) {
        writer.write(settings.isSticky)
        writer.write(settings.lateBefore) { $0.write($1) }
        writer.write(settings.errorsBefore) { $0.write($1) }
    }

    /// The rollout as it was stored.
    /// - Parameter plan: the one it was started with.
    public init(_ plan: RolloutPlan, restoring bytes: [UInt8]) throws(SnapshotError) {
        var reader = try SnapshotReader(bytes)
        let (id, stable) = (try reader.text(), try reader.text())
        let (candidate, startedBy) = (try reader.text(), try reader.text())
        var start = Start(id: id, stable: stable, candidate: candidate, startedBy: startedBy, rate: 0)
        start.isSticky = try reader.boolean()
        start.lateBefore = try reader.optional { reader throws(SnapshotError) in try reader.number() }
        start.errorsBefore = try reader.optional { reader throws(SnapshotError) in try reader.number() }
        self.init(restoring: plan, start)
        (state, resumesTo) = (try Self.state(&reader), try Self.state(&reader))
        reason = try Self.readReason(&reader)
        step = try reader.int(0...plan.steps.count)
        percent = try reader.number()
        epoch = UInt32(try reader.integer(0...UInt64(UInt32.max)))
        (tick, since) = (try reader.integer(), try reader.integer())
        hookSequence = try reader.integer()
        isHeld = try reader.boolean()
        try evaluator.read(from: &reader)
        try reader.finish()
        let needsStep = [.beforeStep, .afterStep, .running, .gate].contains(state)
        guard 0...100 ~= percent, since <= tick, !needsStep || step < plan.steps.count else {
            throw SnapshotError(description: "the snapshot contradicts the plan")
        }
    }

    /// What the owner has to do before anything else after a restart.
    public mutating func resumeAfterRestart() -> [RolloutAction] {
        switch state {
        case .rolledBack, .aborted: return [.lower(percent: 0, epoch: epoch)]
        case .raising: return repeatRaise()
        case .beforeStep, .afterStep:
            let isBefore = state == .beforeStep
            guard let hook = isBefore ? plan.steps[step].before : plan.steps[step].after else { return [] }
            hookSequence += 1
            since = tick
            return [.callHook(isBefore ? .beforeStep : .afterStep, hook, sequence: hookSequence)]
        case .promoted: return [.releaseStable]
        case .waiting, .running, .gate, .paused, .inconclusive, .baking: return []
        }
    }

    /// What was asked for and could not be done is asked for again; nothing where no raise is under way.
    public func repeatRaise() -> [RolloutAction] {
        guard state == .raising else { return [] }
        guard step < plan.steps.count else { return [.makeStable(epoch: epoch)] }
        return [.raise(percent: plan.steps[step].percent, epoch: epoch)]
    }

    private static func state(_ reader: inout SnapshotReader) throws(SnapshotError) -> RolloutState {
        guard let state = RolloutState(rawValue: try reader.text()) else {
            throw SnapshotError(description: "a state of the snapshot is not known")
        }
        return state
    }

    // MARK: Reasons

    private static func write(_ reason: RolloutReason, to writer: inout SnapshotWriter) {
        switch reason {
        case .planned: writer.write("planned")
        case .freeze: writer.write("freeze")
        case .approval: writer.write("approval")
        case .maxTimeOver: writer.write("max")
        case .tooLittleData: writer.write("data")
        case .person(let actor):
            writer.write("person")
            writer.write(actor)
        case .hook(let url, let failure):
            writer.write("hook")
            writer.write(url)
            writer.write(failure.rawValue)
        case .verdict(let verdict):
            writer.write("verdict")
            writer.write(Self.name(verdict))
            writer.write(verdict.reasons.count)
            for test in verdict.reasons { writer.write(test.rawValue) }
        }
    }

    private static func name(_ verdict: Verdict) -> String {
        switch verdict {
        case .none: "none"
        case .rollback: "rollback"
        case .environment: "environment"
        case .pause: "pause"
        }
    }

    private static func readReason(_ reader: inout SnapshotReader) throws(SnapshotError) -> RolloutReason {
        switch try reader.text() {
        case "planned": return .planned
        case "freeze": return .freeze
        case "approval": return .approval
        case "max": return .maxTimeOver
        case "data": return .tooLittleData
        case "person": return .person(try reader.text())
        case "hook":
            let url = try reader.text()
            guard let failure = RolloutReason.HookFailure(rawValue: try reader.text()) else { break }
            return .hook(url: url, failure: failure)
        case "verdict":
            let name = try reader.text()
            var tests: [GuardTest] = []
            for _ in 0..<(try reader.int(0...GuardTest.allCases.count)) {
                if let test = GuardTest(rawValue: try reader.text()) { tests.append(test) }
            }
            let verdicts: [String: Verdict] = [
                "none": .none, "rollback": .rollback(tests), "environment": .environment(tests), "pause": .pause(tests),
            ]
            if let verdict = verdicts[name] { return .verdict(verdict) }
        default: break
        }
        throw SnapshotError(description: "a reason of the snapshot is not known")
    }
}
