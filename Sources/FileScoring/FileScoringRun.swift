// One run: what its threads share, and the order in which their blocks come out.

internal import Codec
internal import Configuration
internal import Glibc
internal import Inference
internal import Primitives
internal import Registry

// SAFETY: everything that changes is touched only by the thread whose turn it is, by `init` before the threads start
// and by `finish` when they have ended; the turnstile's mutex orders the turns.
final class FileScoringRun: @unchecked Sendable {
    private let task: ScoringTask
    private let input: InputFile
    private let turnstile: Turnstile
    private let show: @Sendable (FileScoringProgress) -> Void
    private let blockCount: Int
    private let blockBytes: Int
    private(set) var progress = FileScoringProgress()
    /// What the files on disk hold, and what is written behind it.
    private var state: Checkpoint
    private var output: OutputFile?
    private var rejects: OutputFile?
    private var keptAt: ContinuousClock.Instant?
    private var shownAt: ContinuousClock.Instant?

    /// The whole output was there: only its checkpoint was left to be removed.
    let isFinished: Bool

    private var options: FileScoringOptions { task.options }
    private static func partial(_ options: FileScoringOptions) -> String { options.output + ".partial" }
    private static func checkpoint(_ options: FileScoringOptions) -> String { options.output + ".checkpoint" }

    init(
        _ bundle: LoadedBundle, _ options: FileScoringOptions, show: @escaping @Sendable (FileScoringProgress) -> Void
    ) throws(ConfigurationError) {
        self.show = show
        let input = try InputFile(path: options.input)
        self.input = input
        for other in [options.output, options.rejects] {
            if let other, input.isFile(at: other) {
                throw ConfigurationError(source: other, message: "is the input")
            }
        }
        let codec = ScoringTask.codec(of: bundle)
        var layout: CSVLayout?
        if options.format == .csv {
            layout = try CSVLayout(header: input.readHeader(), path: options.input, options: options, codec: codec)
        } else {
            try input.skipByteOrderMark()
        }
        task = ScoringTask(bundle: bundle, codec: codec, options: options, layout: layout)
        let fresh = Checkpoint(
            input: "\(input.size) bytes changed at \(input.changed)",
            model: "\(bundle.name) \(bundle.version) \(bundle.sourceDigest) \(bundle.manifestDigest)",
            options: options.signature, blockBytes: options.blockBytes)
        state = try Self.resume(fresh, options) ?? fresh
        blockBytes = state.blockBytes
        blockCount = input.blockCount(of: blockBytes)
        turnstile = Turnstile(first: state.block, blockCount: blockCount)
        isFinished = state.block > 0 && Self.isWhole(state, blockCount, options)
        progress.bytesTotal = input.size
        note()
        (progress.rowsBefore, progress.bytesBefore) = (progress.rows, progress.bytes)
        if isFinished { unlink(Self.checkpoint(options)) } else { try openFiles() }
    }

    /// What an interrupted run has left; nil: this one begins.
    private static func resume(
        _ fresh: Checkpoint, _ options: FileScoringOptions
    ) throws(ConfigurationError) -> Checkpoint? {
        let path = checkpoint(options)
        if !options.restarts, let found = try Checkpoint.read(path) {
            try found.refuse(unlessLike: fresh, path: path)
            return found
        }
        guard options.overwrites || options.restarts || access(options.output, F_OK) != 0 else {
            throw ConfigurationError(source: options.output, message: "is there already; --overwrite replaces it")
        }
        unlink(path)
        return nil
    }

    /// Killed between the output's rename and the checkpoint's removal.
    private static func isWhole(_ state: Checkpoint, _ blockCount: Int, _ options: FileScoringOptions) -> Bool {
        var status = stat()
        return state.block == blockCount && access(partial(options), F_OK) != 0
            && stat(options.output, &status) == 0 && Int(status.st_size) == state.outputBytes
    }

    private func openFiles() throws(ConfigurationError) {
        let output = try OutputFile(path: Self.partial(options), count: state.outputBytes)
        self.output = output
        if let path = options.rejects {
            // Of a run that had no reject file yet.
            if state.rejectBytes == 0, !options.overwrites, !options.restarts { try refuseOldRejects(path) }
            rejects = try OutputFile(path: path, count: state.rejectBytes)
        }
        if state.block == 0, state.outputBytes == 0, let layout = task.layout {
            try writeHeader(layout, to: output)
        }
    }

    private func refuseOldRejects(_ path: String) throws(ConfigurationError) {
        var status = stat()
        if stat(path, &status) == 0, status.st_size > 0, state.block == 0 {
            throw ConfigurationError(source: path, message: "is there already; --overwrite replaces it")
        }
    }

    private func writeHeader(_ layout: CSVLayout, to output: OutputFile) throws(ConfigurationError) {
        let separator = String(decoding: [options.delimiter], as: UTF8.self)
        let names = options.keep + options.outputs.flatMap { RecordEncoder.names(of: $0, codec: task.codec) }
        let line = names.map { Self.quoted($0, separator) }.joined(separator: separator) + "\n"
        try output.append(line)
        state.outputBytes = output.count
    }

    private static func quoted(_ name: String, _ separator: String) -> String {
        guard name.contains("\"") || name.contains(separator) else { return name }
        return "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    var blocksLeft: Int { blockCount - state.block }

    // MARK: Threads

    /// A thread's work: blocks, until there are none or one fails.
    func work() {
        var scorer = BlockScorer(task)
        while let block = turnstile.claim() {
            do throws(ConfigurationError) {
                try input.read(block: block, of: blockBytes, into: &scorer.input)
                let isGood = scorer.run()
                guard turnstile.await(block) else { return }
                if !isGood { throw refusal(scorer.rejected[0]) }
                try commit(block, &scorer)
                turnstile.pass()
            } catch {
                return turnstile.fail(error)
            }
        }
    }

    private func refusal(_ row: RejectedRow) -> ConfigurationError {
        ConfigurationError(source: options.input, line: line(of: row), message: row.reason)
    }

    /// From 1, the header among them.
    private func line(of row: RejectedRow) -> Int { state.lines + row.line + (task.layout == nil ? 1 : 2) }

    /// The block's rows go into the files. Only where it is this block's turn.
    private func commit(_ block: Int, _ scorer: inout BlockScorer) throws(ConfigurationError) {
        try output?.append(scorer.output.bytes)
        if let rejects, !scorer.rejected.isEmpty {
            var text = ""
            for row in scorer.rejected { text += describe(row, in: scorer.input.bytes) }
            try rejects.append(text)
        }
        state.block = block + 1
        state.outputBytes = output?.count ?? 0
        state.rejectBytes = rejects?.count ?? state.rejectBytes
        state.lines += scorer.lineCount
        state.rows += scorer.rowCount
        state.rejected += scorer.rejected.count
        progress.outOfRange += scorer.outOfRange
        note()
        let now = ContinuousClock.now
        if keptAt.map({ now - $0 >= .seconds(1) }) ?? true { try keep() }
        if shownAt.map({ now - $0 >= .milliseconds(100) }) ?? true {
            shownAt = now
            show(progress)
        }
    }

    /// `{"line":7,"reason":"…","text":"…"}`
    private func describe(_ row: RejectedRow, in block: UnsafeRawBufferPointer) -> String {
        let bytes = row.bytes.prefix(FileScoringOptions.lineBytesMax)
        let text = String(decoding: UnsafeRawBufferPointer(rebasing: block[bytes]), as: UTF8.self)
        return
            "{\"line\":\(line(of: row)),\"reason\":\(JSONText.quoted(row.reason)),\"text\":\(JSONText.quoted(text))}\n"
    }

    private func note() {
        progress.rows = state.rows
        progress.rejected = state.rejected
        progress.bytes = min(input.size, input.start + state.block * state.blockBytes)
    }

    /// What was written so far is never written again.
    private func keep() throws(ConfigurationError) {
        try output?.synchronize()
        try rejects?.synchronize()
        try state.write(Self.checkpoint(options))
        keptAt = .now
    }

    /// The output is whole and gets its name.
    func finish() throws(ConfigurationError) {
        if let failure = turnstile.failure {
            // What was written is worth keeping, if the disk still takes it.
            try? keep()
            throw failure
        }
        try keep()
        guard rename(Self.partial(options), options.output) == 0 else {
            throw ConfigurationError(
                source: options.output, message: "cannot be written: \(FileBytes.reason(errno))")
        }
        unlink(Self.checkpoint(options))
    }
}
