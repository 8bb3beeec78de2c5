// TreeSHAP of one row: equal to the trainer's, adding up to the margin, and how long it takes.

import CPeers
import Execution
import Inference
import ModelFormat

enum Explaining {
    /// How far a contribution may be from the trainer's, whose sums are float32.
    private static let tolerance = 1e-5
    private static let chunkNanos = 2_000_000.0

    /// Microseconds a row, the median of `chunks` chunks; nil: the trainer wrote no contributions to compare with.
    static func micros(_ bench: ModelBench, chunks: Int) throws -> Double? {
        let path = "\(bench.folder)/contributions.f64"
        guard let wanted = try MeasuredRows.doubles(path) else { return nil }
        let model = try ModelImporter.importModel(path: "\(bench.folder)/\(bench.model.source)").model
        let explainer = try ContributionExplainer(model)
        let run = Run(explainer, bench.rows)
        let count = wanted.count / explainer.columnCount
        for row in 0..<count {
            let trainers = Array(wanted[row * explainer.columnCount..<(row + 1) * explainer.columnCount])
            let place = "\(bench.model.name), row \(row)"
            try check(run.contributions(row), trainers, margin: bench.rows.answers[row], place)
        }
        let once = Double(run.nanos(rows: count)) / Double(count)
        let rows = max(1, min(bench.rows.count, Int(chunkNanos / once)))
        return Statistics.median((0..<chunks).map { _ in Double(run.nanos(rows: rows)) / Double(rows) }) / 1_000
    }

    private static func check(_ own: [Double], _ trainers: [Double], margin: Double, _ place: String) throws {
        for (column, (mine, theirs)) in zip(own, trainers).enumerated() {
            guard (mine - theirs).magnitude <= tolerance * max(1, theirs.magnitude) else {
                throw Failure("\(place): feature \(column) adds \(mine), by the trainer \(theirs)")
            }
        }
        let sum = own.reduce(0, +)
        guard (sum - margin).magnitude <= tolerance * max(1, margin.magnitude) else {
            throw Failure("\(place): contributions add up to \(sum), the margin is \(margin)")
        }
    }

    /// One row a call, into memory of its own.
    private final class Run {
        private let explainer: ContributionExplainer
        private let rows: MeasuredRows
        private let output: UnsafeMutableRawPointer
        private let scratch: UnsafeMutableRawBufferPointer
        private let job: UnsafeMutableBufferPointer<ContributionJob>

        init(_ explainer: ContributionExplainer, _ rows: MeasuredRows) {
            self.explainer = explainer
            self.rows = rows
            output = .allocate(byteCount: explainer.columnCount * 8, alignment: 64)
            scratch = .allocate(byteCount: explainer.scratchByteCount, alignment: 64)
            job = .allocate(capacity: 1)
            job.initialize(
                repeating: ContributionJob(
                    values: UnsafeRawPointer(rows.values), rowCount: 1, valueType: .float32, contributions: output))
        }

        deinit {
            output.deallocate()
            scratch.deallocate()
            job.deallocate()
        }

        func contributions(_ row: Int) -> [Double] {
            explain(row)
            return (0..<explainer.columnCount).map { column in
                explainer.scoreType == .float32
                    ? Double(output.load(fromByteOffset: 4 * column, as: Float.self))
                    : output.load(fromByteOffset: 8 * column, as: Double.self)
            }
        }

        func nanos(rows count: Int) -> UInt64 {
            let begin = peer_clock_nanos()
            for row in 0..<count { explain(row) }
            return peer_clock_nanos() - begin
        }

        private func explain(_ row: Int) {
            job[0].values = UnsafeRawPointer(rows.values + row * rows.width)
            explainer.explain(job, scratch: scratch)
        }
    }
}
