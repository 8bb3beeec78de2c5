// What answers when the version that should cannot in time: the tiers under it, and how long before the deadline
// each takes over.
//
//     arrival ──────────── full model ───────────┬── smaller model ──┬─ constant ─┬ deadline
//                                     reserve of │        reserve of │            │
//                                     rung 1 ◄───┴─── rung 2 ◄───────┴────────────┘
//
// A request climbs down: by the timer, when the moment of the next rung has come and there is no answer, or at once, when
// admission finds that there will be none.

import Codec
import Configuration
import Execution
import Inference

/// One tier, in plain words for the data plane.
struct Rung {
    /// The version that answers; -1: the constant does.
    var version: Int
    var reserveNanos: UInt64
    /// A score for each column.
    var scores: UnsafePointer<Double>?
    var scoreCount = 0
    /// -1: what the scores say.
    var label = -1
}

// SAFETY: written in init only.
final class Ladder: @unchecked Sendable {
    let rungs: UnsafeMutablePointer<Rung>
    let count: Int

    init(_ given: [Rung]) {
        count = given.count
        rungs = .allocate(capacity: max(given.count, 1))
        rungs.initialize(from: given, count: given.count)
    }

    deinit {
        for index in 0..<count { rungs[index].scores?.deallocate() }
        rungs.deallocate()
    }
}

extension Snapshot {
    /// Puts every version over its tiers. A tier that is not there, or wants other features, is left out: its sentence
    /// comes back.
    func buildLadders() -> [String] {
        var warnings: [String] = []
        for (index, version) in versions.enumerated() {
            var rungs: [Rung] = []
            for tier in version.queue.tiers {
                switch rung(tier, for: version) {
                case .success(let rung?) where rung.version != index: rungs.append(rung)
                case .success: break
                case .failure(let problem):
                    warnings.append("\(version.name)/\(version.version): fallback: \(problem.description)")
                }
            }
            version.queue.climb(Ladder(rungs))
        }
        return warnings
    }

    private struct Problem: Error {
        var description: String
    }

    private func rung(_ tier: FallbackTier, for version: ServedVersion) -> Result<Rung?, Problem> {
        let found: Int?
        switch tier.answer {
        case .version(let wanted):
            found = versions.firstIndex { $0.name == version.name && $0.version == wanted }
        case .model(let name): found = models.first { $0.name == name }?.stable
        case .constant(let scores, let label):
            return constant(scores, label, version, tier.reserveNanos)
        }
        guard let found else { return .failure(Problem(description: "the version of a tier is not loaded")) }
        guard versions[found].codec.hasFeatures(of: version.codec) else {
            return .failure(
                Problem(
                    description: "\(versions[found].name)/\(versions[found].version) has other features or outputs"))
        }
        return .success(Rung(version: found, reserveNanos: tier.reserveNanos))
    }

    private func constant(
        _ scores: [Double], _ label: Int?, _ version: ServedVersion, _ reserve: UInt64
    ) -> Result<Rung?, Problem> {
        guard scores.count == version.model.outputCount else {
            return .failure(
                Problem(
                    description: "the constant has \(scores.count) scores, the model \(version.model.outputCount)"))
        }
        let place = UnsafeMutablePointer<Double>.allocate(capacity: scores.count)
        place.initialize(from: scores, count: scores.count)
        return .success(
            Rung(
                version: -1, reserveNanos: reserve, scores: UnsafePointer(place), scoreCount: scores.count,
                label: label ?? -1))
    }
}
