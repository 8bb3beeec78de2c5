// The command line of the harness; `Benchmarks/scoring/scoring` passes it on.

import ArgumentParser

extension KernelChoice: ExpressibleByArgument {}

struct Options: ParsableArguments {
    @Option(help: "The folder that peers/prepare.py filled.")
    var cache: String

    @Option(help: ArgumentHelp("One model, such as xgb100x6.", valueName: "model"))
    var only: [String] = []

    @Option(help: "Serin's kernels: best, avx2 or scalar; one choice a process.")
    var kernels = KernelChoice.best

    @Option(help: "Interleaved pairs, at least 5.")
    var pairs = 15

    @Flag(help: "5 short pairs, at most 1,024 rows a call: for a look, not for a claim.")
    var quick = false

    @Option(help: "The folder of catboost_pool.py.")
    var scripts = "Benchmarks/scoring/peers"

    var python: String { "\(cache)/venv/bin/python" }
    var poolScript: String { "\(scripts)/catboost_pool.py" }

    var models: [MeasuredModel] {
        only.isEmpty ? MeasuredModel.all : MeasuredModel.all.filter { only.contains($0.name) }
    }
    var batchSizes: [Int] { quick ? Goals.batchSizes.filter { $0 <= 1_024 } : Goals.batchSizes }

    var sampling: Sampling {
        quick ? Sampling(sampleNanos: 2_000_000, chunkNanos: 20_000, pairs: 5) : Sampling(pairs: pairs)
    }

    mutating func validate() throws {
        let names = MeasuredModel.all.map(\.name)
        for name in only where !names.contains(name) {
            throw ValidationError("there is no model \(name); there are \(names.joined(separator: ", "))")
        }
        guard pairs >= 5 else { throw ValidationError("at least 5 pairs") }
    }
}
