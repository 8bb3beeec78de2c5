// One model: its scorers opened and checked, then measured at every batch size.

import Execution
import ModelFormat

final class ModelBench {
    let model: MeasuredModel
    let folder: String
    let rows: MeasuredRows
    private(set) var peers: [any Scorer] = []
    private(set) var wrong: [(name: String, what: String)] = []
    /// Peers within this of the fastest are measured in pairs.
    private static let closeness = 1.3

    init(_ model: MeasuredModel, options: Options) throws {
        self.model = model
        folder = "\(options.cache)/models/\(model.name)"
        rows = try MeasuredRows(folder: folder, width: model.featureCount)
        for kind in model.peers(options.kernels) {
            let peer = try Self.open(kind, folder, rows, options)
            if let fault = try Answers.fault(peer, model, rows) {
                wrong.append((kind, fault))
            } else {
                peers.append(peer)
            }
        }
        guard !peers.isEmpty else { throw Failure("\(model.name): no peer answers rightly") }
    }

    private static func open(
        _ kind: String, _ folder: String, _ rows: MeasuredRows, _ options: Options
    ) throws -> any Scorer {
        if kind == "catboost-pool" {
            return try PoolScorer(python: options.python, script: options.poolScript, folder: folder)
        }
        return try LibraryScorer(kind: kind, folder: folder, libraries: "\(options.cache)/lib", rows: rows)
    }

    /// Serin's scorer of this model.
    func serin(largestBatch: Int) throws -> SerinScorer {
        let imported = try ModelImporter.importModel(path: "\(folder)/\(model.source)")
        let compiled = try CompiledModel.compile(imported.model)
        let scorer = try SerinScorer(
            compiled, rows: rows, hasMargins: model.hasMargins, largestBatch: max(largestBatch, Answers.count))
        try Answers.check(scorer, model, rows)
        return scorer
    }

    /// Serin in pairs with the peers that matter; nil: there is no peer to compare with.
    func figure(_ serin: SerinScorer, rows count: Int, kernels: KernelChoice, sampling: Sampling) throws -> Figure? {
        let rotation = Sampling.rotation(rows: count, available: rows.count)
        let rough = try peers.map { peer in
            try sampling.sample(peer, sampling.plan(peer, rows: count, rotation: rotation))
        }
        let eligible = peers.indices.filter { kernels != .scalar || peers[$0].name == Goals.scalarPeer }
        guard let fastest = eligible.map({ rough[$0] }).min() else { return nil }
        let close = eligible.filter { rough[$0] <= fastest * Self.closeness }
        let samples = try sampling.interleaved(
            [serin] + close.map { peers[$0] }, rows: count, rotation: rotation)
        var nanos = rough
        for (place, index) in close.enumerated() { nanos[index] = Statistics.median(samples[place + 1]) }
        let best = close.indices.min { nanos[close[$0]] < nanos[close[$1]] }!
        let ratios = zip(samples[best + 1], samples[0]).map { $0 / $1 }
        return Figure(
            rows: count, serin: Statistics.median(samples[0]), peers: peers.indices.map { (peers[$0].name, nanos[$0]) },
            best: peers[close[best]].name, ratio: Statistics.medianInterval(ratios),
            goal: Goals.ratio(model, rows: count, kernels: kernels))
    }
}
