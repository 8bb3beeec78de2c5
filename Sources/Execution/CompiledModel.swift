// What the gateway scores with: a forest or a pipeline, compiled.
//
// Its image is one contiguous block that can be written to a cache and read back; nothing in it is
// used before it is checked.  A model that is a forest and nothing else is its forest's image, and
// pays nothing for what pipelines need.

internal import CKernels
public import Inference
public import ModelFormat

public final class CompiledModel: Sendable {
    // SAFETY: one of the two is set, retained by the initializer and released by deinit.  Unmanaged,
    // because a reference would be counted at every call: an atomic write to a line that all threads share.
    private let forest: Unmanaged<CompiledForest>?
    private let program: Unmanaged<CompiledProgram>?

    public let featureCount: Int
    /// Columns of margins and scores.
    public let outputCount: Int
    /// Width of margins and scores: the width in which the trainer adds its leaves.
    public let scoreType: ValueType
    /// Of all forests.
    public let treeCount: Int
    /// Splits on the longest path.
    public let maxDepth: Int
    /// Splits that a row can meet, over all trees.
    public let worstCaseNodesPerRow: Int
    /// What a row takes at most: multiplications, splits, steps of searches, columns written.
    public let worstCaseOperationsPerRow: Int
    public let imageBytes: Int
    /// Whether every sum has one order, so that margins are the trainer's to the bit.  Sums of dense
    /// layers have none (and their activations are approximated): they agree within 1e-6.
    public let isExact: Bool

    /// The kernels in use, such as `avx512`.
    public let kernels: String

    /// Of a pipeline, in the order in which they run; a forest alone has none.
    public let stages: [StageSummary]
    /// Measured when the model was loaded.
    public let cost: ScoringCost

    /// Part of an image cache's key, with `processor`: images of another layout are not even opened.
    public static let compilerVersion = "\(SERIN_IMAGE_VERSION).\(SERIN_PROGRAM_VERSION)"
    /// The processor's instruction sets, such as `x86-64-avx512vbmi`.
    public static var processor: String { String(cString: serin_processor_kind()) }

    /// Lays a model out; checks it first.
    public static func compile(_ model: PortableModel) throws -> CompiledModel {
        switch model {
        case .forest(let forest): return CompiledModel(try CompiledForest.compile(forest))
        case .pipeline(let pipeline): return CompiledModel(try CompiledProgram.compile(pipeline))
        }
    }

    /// Lays a forest out; checks it first.
    public static func compile(_ forest: Forest) throws -> CompiledModel { try compile(.forest(forest)) }

    /// Copies an image, from a cache for example, and checks all of it.
    public convenience init(image: UnsafeRawBufferPointer) throws(ImageError) {
        if image.count >= 8, image.loadUnaligned(as: UInt64.self) == SERIN_PROGRAM_MAGIC {
            self.init(try CompiledProgram(image: image))
        } else {
            self.init(try CompiledForest(image: image))
        }
    }

    private init(_ forest: CompiledForest) {
        self.forest = .passRetained(forest)
        program = nil
        kernels = forest.kernels
        featureCount = forest.featureCount
        outputCount = forest.outputCount
        scoreType = forest.scoreType
        treeCount = forest.treeCount
        maxDepth = forest.maxDepth
        worstCaseNodesPerRow = forest.worstCaseNodesPerRow
        worstCaseOperationsPerRow = forest.worstCaseNodesPerRow
        imageBytes = forest.imageBytes
        isExact = true
        stages = []
        cost = ScoringCost(nanosAlone: forest.nanosPerRow, nanosInBatch: forest.nanosPerBatchedRow)
    }

    private init(_ program: CompiledProgram) {
        forest = nil
        self.program = .passRetained(program)
        kernels = program.kernels
        featureCount = program.featureCount
        outputCount = program.outputCount
        scoreType = program.scoreType
        treeCount = program.forests.reduce(0) { $0 + $1.treeCount }
        maxDepth = program.forests.reduce(0) { max($0, $1.maxDepth) }
        worstCaseNodesPerRow = program.forests.reduce(0) { $0 + $1.worstCaseNodesPerRow }
        worstCaseOperationsPerRow = program.worstCaseOperationsPerRow
        imageBytes = program.imageBytes
        isExact = program.isExact
        stages = program.stageSummaries
        cost = ScoringCost(
            featureCount: featureCount, outputCount: outputCount, scoreBytes: scoreType.byteCount,
            scratchBytes: program.scratchByteCount(rows: .max), score: program.score)
    }

    deinit {
        forest?.release()
        program?.release()
    }

    /// A copy of the whole image, to be written to a cache.
    public var image: [UInt8] {
        if let forest { forest.takeUnretainedValue().image } else { program!.takeUnretainedValue().image }
    }

    /// Bytes of scratch to score up to `rows` rows at once; larger jobs are cut into chunks.
    public func scratchByteCount(rows: Int) -> Int {
        if let forest {
            forest._withUnsafeGuaranteedRef { $0.scratchByteCount(rows: rows) }
        } else {
            program!._withUnsafeGuaranteedRef { $0.scratchByteCount(rows: rows) }
        }
    }

    /// Writes margins (where wanted), scores and status of every job; allocates and locks nothing.
    ///
    /// `scratch` is one thread's own, at least `scratchByteCount(rows: 1)` bytes, any alignment.
    public func score(_ jobs: UnsafeMutableBufferPointer<ScoringJob>, scratch: UnsafeMutableRawBufferPointer) {
        if let forest {
            forest._withUnsafeGuaranteedRef { $0.score(jobs, scratch: scratch) }
        } else {
            program!._withUnsafeGuaranteedRef { $0.score(jobs, scratch: scratch) }
        }
    }
}
