// What answers when the version that should cannot in time: the tiers under it, and how long before the deadline
// each takes over.
//
//     arrival ──────────── full model ───────────┬── smaller model ──┬─ constant ─┬ deadline
//                                     reserve of │        reserve of │            │
//                                     rung 1 ◄───┴─── rung 2 ◄───────┴────────────┘
//
// A request climbs down: by the timer, when the moment of the next rung has come and there is no answer, or at once, when
// admission finds that there will be none. A ladder is the snapshot's: which versions stand on it changes with the routes,
// the tiers and their order do not while the version is loaded.

import Codec
import Configuration
import Execution
import Inference

/// One tier, in plain words for the data plane.
struct Rung {
    /// The slot of the version that answers; or one of those below.
    var version: Int
    var reserveNanos: UInt64
    /// A score for each column.
    var scores: UnsafePointer<Double>?
    var scoreCount = 0
    /// -1: what the scores say.
    var label = -1

    /// The constant answers.
    static let constant = -1
    /// The tier cannot answer now; it keeps its place, so that a request on the ladder stays where it is.
    static let absent = -2
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

extension Ladder {
    /// A version over its tiers, as what is ready now has them. A tier that is not there, or wants other features, is
    /// absent: its sentence comes back.
    static func resolve(
        _ version: ServedVersion, _ models: [Snapshot.ListedModel], _ versions: ServedVersions
    ) -> (ladder: Ladder, problems: [String]) {
        var problems: [String] = []
        let rungs = version.queue.tiers.map { tier in
            do throws(Problem) { return try rung(tier, for: version, models, versions) } catch {
                problems.append("\(version.name)/\(version.version): fallback: \(error.description)")
                return Rung(version: Rung.absent, reserveNanos: tier.reserveNanos)
            }
        }
        return (Ladder(rungs), problems)
    }

    private struct Problem: Error {
        var description: String
    }

    private static func rung(
        _ tier: FallbackTier, for version: ServedVersion, _ models: [Snapshot.ListedModel], _ versions: ServedVersions
    ) throws(Problem) -> Rung {
        let found: Int?
        switch tier.answer {
        case .version(let wanted):
            let ready = models.first { $0.name == version.name }?.versions ?? []
            found = ready.first { versions[$0].version == wanted }
        case .model(let name): found = models.first { $0.name == name }?.stable
        case .constant(let scores, let label):
            return try constant(scores, label, version, tier.reserveNanos)
        }
        guard let found else { throw Problem(description: "the version of a tier is not loaded") }
        // A version is no tier of its own.
        if found == version.slot { return Rung(version: Rung.absent, reserveNanos: tier.reserveNanos) }
        guard versions[found].codec.hasFeatures(of: version.codec) else {
            throw Problem(
                description: "\(versions[found].name)/\(versions[found].version) has other features or outputs")
        }
        return Rung(version: found, reserveNanos: tier.reserveNanos)
    }

    private static func constant(
        _ scores: [Double], _ label: Int?, _ version: ServedVersion, _ reserve: UInt64
    ) throws(Problem) -> Rung {
        guard scores.count == version.model.outputCount else {
            throw Problem(
                description: "the constant has \(scores.count) scores, the model \(version.model.outputCount)")
        }
        let place = UnsafeMutablePointer<Double>.allocate(capacity: scores.count)
        place.initialize(from: scores, count: scores.count)
        return Rung(
            version: Rung.constant, reserveNanos: reserve, scores: UnsafePointer(place), scoreCount: scores.count,
            label: label ?? -1)
    }
}
