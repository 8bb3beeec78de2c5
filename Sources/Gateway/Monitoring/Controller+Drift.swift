// Drift as the control plane sees it: a tick every few seconds, and what an operator asks.

import Admin
import Logging
import Monitoring
import Synchronization

extension Controller {
    /// Reads every version's counters once a tick, and says what has changed.
    func tickDrift(at now: UInt64) {
        let tick = now / (DriftWindow.tickSeconds * 1_000_000_000)
        guard driftTick.exchange(tick, ordering: .relaxed) != tick else { return }
        let served = state.withLock { $0.served }
        for slot in served.indices {
            let version = served[slot]
            for change in version.watched?.tick(tick) ?? [] { report(change, version) }
        }
    }

    private func report(_ change: DriftChange, _ version: ServedVersion) {
        let place = "\(version.name)/\(version.version)"
        let text =
            "\(place): \(change.name) over \(change.window.rawValue) is at \(change.to.rawValue), was at "
            + "\(change.from.rawValue); its PSI against the training is \(Self.digits(change.psi))"
        if change.to >= .warning, change.to > change.from { logger.warning("\(text)") } else { logger.info("\(text)") }
        events.append(
            "drift",
            AdminJSON.encode(
                DriftEventDocument(
                    model: version.name, version: version.version, variable: change.name,
                    window: change.window.rawValue, from: change.from.rawValue, to: change.to.rawValue,
                    psi: change.psi)))
    }

    private static func digits(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

    func drift(_ name: String, _ version: String) throws(AdminProblem) -> DriftDocument {
        let served = state.withLock { state in state.models.first { $0.name == name }?[version]?.served }
        guard let served else { throw AdminProblem(.notFound, "\(name)/\(version) is not loaded") }
        guard let watched = served.watched else {
            throw AdminProblem(.notFound, "\(name)/\(version) is not watched: it has no profile.json, or drift is off")
        }
        return DriftDocument(
            model: name, version: version,
            windows: DriftWindow.allCases.map { Self.document(watched.report($0)) })
    }

    private static func document(_ report: DriftReport) -> DriftDocument.Window {
        DriftDocument.Window(
            window: report.window.rawValue, rows: report.rows, level: report.level.rawValue,
            variables: report.findings.map { finding in
                DriftDocument.Variable(
                    name: finding.name, kind: finding.isScore ? "score" : "feature", level: finding.level.rawValue,
                    silent: finding.isSilent, psi: finding.psi, jensenShannon: finding.jensenShannon,
                    psiToHealthy: finding.psiToHealthy, psiToStable: finding.psiToStable, missing: finding.missing,
                    missingBefore: finding.missingBefore, outOfRange: finding.outOfRange, unseen: finding.unseen,
                    counts: finding.counts, reference: finding.reference)
            })
    }
}
