// Rollouts as the admin plane tells of them.

import Admin
import Configuration
import Rollout
import Synchronization

extension Controller {
    func rollouts() -> [RolloutDocument] {
        rolloutTable.withLock { table in
            table.finished + table.running.values.sorted { $0.startedAt < $1.startedAt }.map { document($0) }
        }
    }

    func rollout(_ id: String) throws(AdminProblem) -> RolloutDocument {
        let found = rolloutTable.withLock { table in
            table.running[id].map { document($0) } ?? table.finished.first { $0.id == id }
        }
        guard let found else { throw AdminProblem(.notFound, "there is no rollout \(quoted(id))") }
        return found
    }

    func document(_ rollout: ActiveRollout) -> RolloutDocument {
        var document = RolloutDocument(rollout.machine, model: rollout.model, startedAt: rollout.startedAt)
        document.secondsToPromote = rollout.machine.secondsToPromote(rate: rollout.rate)
        func fill(_ arm: inout ArmDocument, _ side: GuardArm) {
            let latencies = rollout.counters.latencies(of: side)
            guard latencies.total > 0 else { return }
            arm.p50 = Double(latencies.quantile(0.5)) / 1e9
            arm.p99 = Double(latencies.quantile(0.99)) / 1e9
        }
        fill(&document.total.stable, .stable)
        fill(&document.total.candidate, .canary)
        if let shift = rollout.machine.shiftExplanation {
            document.shift = ShiftDocument(shift, edges: rollout.counters.shape.scoreEdges)
        }
        return document
    }
}

extension RolloutDocument {
    init(_ machine: RolloutMachine, model: String, startedAt: Int64) {
        self.init(
            id: machine.id, model: model, stable: machine.stable, candidate: machine.candidate,
            state: machine.state.rawValue)
        verdict = machine.answer.rawValue
        reason = machine.reason.text
        step = machine.step + 1
        steps = machine.plan.steps.map(\.percent)
        percent = machine.percent
        startedBy = machine.startedBy
        self.startedAt = Timestamp.text(startedAt)
        seconds = Double(machine.tick) / 10
        thisStep = ArmsDocument(machine.evaluator.stepTotals)
        total = ArmsDocument(machine.evaluator.totals)
        tests = machine.evaluator.readings.map { TestDocument($0) }
        let evidence = machine.evaluator.promotionEvidence
        promotion = evidence.evidence.isFinite ? evidence.evidence : nil
        promotionThreshold = evidence.threshold
    }
}

extension ArmsDocument {
    init(_ totals: ArmTotalsPair) {
        self.init(stable: ArmDocument(totals.stable), candidate: ArmDocument(totals.canary))
    }
}

extension ArmDocument {
    init(_ totals: ArmTotals) {
        self.init(requests: totals.requests, late: totals.late, errors: totals.errors, positives: totals.positives)
    }
}

extension TestDocument {
    init(_ reading: GuardReading) {
        self.init(
            name: reading.test.rawValue, leadsTo: reading.consequence.rawValue,
            evidence: reading.evidence.isFinite ? reading.evidence : nil, threshold: reading.threshold)
    }
}

extension ShiftDocument {
    /// The bins that moved most; open ends are nil.
    init(_ shift: ShiftExplanation, edges: [Double]) {
        func edge(_ index: Int) -> Double? {
            edges.indices.contains(index) && edges[index].isFinite ? edges[index] : nil
        }
        self.init(
            psi: shift.index,
            bins: shift.bins.prefix(5).map { bin in
                Bin(
                    from: edge(bin.index - 1), to: edge(bin.index), stable: bin.stableShare,
                    candidate: bin.canaryShare)
            })
    }
}
