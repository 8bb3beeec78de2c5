// `serin score`: a file of rows becomes a file of scores, the ones that the gateway would have answered.
//
//     input ─► blocks ─► a thread each: read, decode, rules, score, write as text ─► in order ─► OUTPUT.partial
//                                                                                      └─► OUTPUT.checkpoint
//
// Memory is a block and its output for each thread, whatever the file's size. The output takes its name only when it
// is whole; until then the same command goes on where the last checkpoint was (Checkpoint says why that is exact).

internal import Codec
public import Configuration
internal import Inference
public import Registry

public enum FileScoring {
    /// Scores the file; `show` is called now and then, on any of the threads, one at a time.
    /// - Throws: where a file cannot be read or written, the input is not what the model takes, or, without a reject
    ///   file, a row is refused.
    public static func run(
        _ bundle: LoadedBundle, _ options: FileScoringOptions, show: @escaping @Sendable (FileScoringProgress) -> Void
    ) throws(ConfigurationError) -> FileScoringProgress {
        let run = try FileScoringRun(bundle, options, show: show)
        if run.isFinished { return run.progress }
        var threads: [WorkerThread] = []
        for _ in 1..<max(1, min(options.threads, run.blocksLeft)) {
            if let thread = WorkerThread({ run.work() }) { threads.append(thread) }
        }
        run.work()
        for thread in threads { thread.join() }
        try run.finish()
        return run.progress
    }
}
