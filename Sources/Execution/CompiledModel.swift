// What the gateway scores with: a forest, compiled.
//
// Its image is one contiguous block that can be written to a cache and read back; nothing in it is
// used before it is checked.

internal import CKernels
public import Inference
public import ModelFormat

public final class CompiledModel: Sendable {
    private let forest: CompiledForest

    public var featureCount: Int { forest.featureCount }
    /// Columns of margins and scores.
    public var outputCount: Int { forest.outputCount }
    /// Width of margins and scores: the width in which the trainer adds its leaves.
    public var scoreType: ValueType { forest.scoreType }
    public var treeCount: Int { forest.treeCount }
    /// Splits on the longest path.
    public var maxDepth: Int { forest.maxDepth }
    /// Splits that a row can meet, over all trees.
    public var worstCaseNodesPerRow: Int { forest.worstCaseNodesPerRow }
    public var imageBytes: Int { forest.imageBytes }
    /// The kernels in use, such as `scalar`.
    public var kernels: String { forest.kernels }

    /// Part of an image cache's key, with `processor`: images of another layout are not even opened.
    public static let compilerVersion = "\(SERIN_IMAGE_VERSION)"
    /// The processor's instruction sets, such as `x86-64-avx512vbmi`.
    public static var processor: String { String(cString: serin_processor_kind()) }

    /// Lays a model out; checks it first.
    public static func compile(_ model: PortableModel) throws -> CompiledModel {
        switch model {
        case .forest(let forest): return CompiledModel(try CompiledForest.compile(forest))
        case .pipeline: throw ImageError("pipelines cannot be compiled")
        }
    }

    /// Lays a forest out; checks it first.
    public static func compile(_ forest: Forest) throws -> CompiledModel { try compile(.forest(forest)) }

    /// Copies an image, from a cache for example, and checks all of it.
    public init(image: UnsafeRawBufferPointer) throws(ImageError) { forest = try CompiledForest(image: image) }

    private init(_ forest: CompiledForest) { self.forest = forest }

    /// A copy of the whole image, to be written to a cache.
    public var image: [UInt8] { forest.image }

    /// Bytes of scratch to score up to `rows` rows at once; larger jobs are cut into chunks.
    public func scratchByteCount(rows: Int) -> Int { forest.scratchByteCount(rows: rows) }

    /// Writes margins (where wanted), scores and status of every job; allocates and locks nothing.
    ///
    /// `scratch` is one thread's own, at least `scratchByteCount(rows: 1)` bytes, any alignment.
    public func score(_ jobs: UnsafeMutableBufferPointer<ScoringJob>, scratch: UnsafeMutableRawBufferPointer) {
        forest.score(jobs, scratch: scratch)
    }
}
