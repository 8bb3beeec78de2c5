// Serin beside the libraries that score the same models: the table, the ratios, and PASS or FAIL.
//
//     for each model ─► answers checked ─► for each batch size ─► interleaved pairs ─► ratio ─► goal
//
// Everything runs in this process on the first core that it may use, but for the second thread's half
// and CatBoost's Pool, which is Python.  Peers give their bare margins where they can leave the
// sigmoid out; Serin's scores always include it.

import ArgumentParser
import CPeers
import Execution
import Glibc

@main
struct Scoring: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scoring", abstract: "Measures Serin beside the libraries that score the same models.")

    @OptionGroup var options: Options

    mutating func run() throws {
        options.kernels.apply()
        var reports: [ModelReport] = []
        var broken: [String] = []
        do {
            let processors = try Self.processors()
            print("core \(processors[0]), \(options.sampling.pairs) interleaved pairs, \(CompiledModel.processor)")
            for model in options.models {
                do {
                    reports.append(try measure(model, processors))
                } catch {
                    broken.append("\(error)")
                    print("\(model.name) cannot be measured: \(error)\n")
                }
            }
        } catch {
            print("FAIL: could not start: \(error)")
            throw ExitCode(3)
        }
        let missed = broken + reports.flatMap(\.missed)
        print(missed.isEmpty ? "PASS" : "FAIL: " + missed.joined(separator: "; "))
        throw ExitCode(missed.isEmpty ? 0 : 1)
    }

    /// The cores that the process may use, the first of which is now its only one.
    private static func processors() throws -> [Int32] {
        var found = [Int32](repeating: 0, count: 1_024)
        let count = peer_processors(&found, Int32(found.count))
        guard count > 0, peer_pin(found[0]) else { throw Failure("no core to run on") }
        return Array(found[..<Int(count)])
    }

    private func measure(_ model: MeasuredModel, _ processors: [Int32]) throws -> ModelReport {
        let bench = try ModelBench(model, options: options)
        let serin = try bench.serin(largestBatch: options.batchSizes.max()!)
        let kernels = serin.model.kernels
        guard options.kernels.allows(kernels) else {
            throw Failure("\(model.name): \(kernels) kernels run, though the limit is \(options.kernels.rawValue)")
        }
        var report = ModelReport(model: model, kernels: kernels)
        report.wrong = bench.wrong
        for rows in options.batchSizes {
            let figure = try bench.figure(serin, rows: rows, kernels: options.kernels, sampling: options.sampling)
            if let figure { report.figures.append(figure) }
        }
        if options.kernels == .best { report.extras = try extras(bench, serin, processors) }
        print(report.table + "\n")
        fflush(nil)
        return report
    }

    private func extras(
        _ bench: ModelBench, _ serin: SerinScorer, _ processors: [Int32]
    ) throws -> [ModelReport.Extra] {
        var found = try LoadTimes.measure(bench)
        if let micros = try Explaining.micros(bench, chunks: options.sampling.pairs) {
            found.append(
                .init(
                    title: "TreeSHAP of a row", value: micros, unit: "µs",
                    limit: Goals.contributionsMicros[bench.model.name].map { .atMost($0) }))
        }
        if processors.count > 1, !options.quick {
            let other = try bench.serin(largestBatch: options.batchSizes.max()!)
            let speedUp = try TwoThreads.speedUp(
                serin, other, rows: bench.rows.count, processors: (processors[0], processors[1]),
                pairs: options.sampling.pairs)
            found.append(
                .init(
                    title: "two threads", value: speedUp.median, unit: "× one", interval: speedUp.low...speedUp.high,
                    limit: .atLeast(Goals.twoThreads)))
        }
        return found
    }
}
