// What each feature of a row adds to its margin: exact Shapley values, as the trainers compute them.
//
//     margin[output] = Σ contributions[output][feature] + contributions[output][last column]
//
// Forests: path-dependent TreeSHAP (Lundberg et al. 2018), equal to XGBoost's `pred_contribs`, CatBoost's ShapValues and
// LightGBM's `pred_contrib`; the last column is the expected margin.  Linear models, and pipelines that
// are sums of functions of one feature each: the terms themselves, which are Shapley values too where the
// mean of every term is taken for 0, as XGBoost does for gblinear; the last column is the constant.  A
// forest in such a pipeline is explained by the features that its columns are made of.

public import Inference
public import ModelFormat

/// Rows to explain, and where their contributions go; a `ScoringJob` for `ContributionExplainer`.
public struct ContributionJob {
    /// `rowCount` × features, row-major, contiguous; NaN is missing.  Aligned to `valueType`.
    public var values: UnsafeRawPointer
    public var rowCount: Int
    public var valueType: ValueType
    /// [rowCount][outputs][features + 1] in the explainer's score type.
    public var contributions: UnsafeMutableRawPointer
    /// Written by the explainer.
    public var status: ScoringStatus

    @inlinable
    public init(
        values: UnsafeRawPointer, rowCount: Int, valueType: ValueType, contributions: UnsafeMutableRawPointer
    ) {
        self.values = values
        self.rowCount = rowCount
        self.valueType = valueType
        self.contributions = contributions
        status = .ok
    }
}

public final class ContributionExplainer: Sendable {
    /// One of the two is set.
    private let forest: ForestContributions?
    private let additive: AdditiveContributions?

    public let featureCount: Int
    public let outputCount: Int
    /// Numbers of one output: one for each feature, then what belongs to none.
    public var columnCount: Int { featureCount + 1 }
    /// Width of the contributions: that of the margins.
    public let scoreType: ValueType
    /// Bytes of scratch that `explain` needs, whatever the number of rows.
    public let scratchByteCount: Int
    /// What its tables take.
    public var memoryBytes: Int { forest?.layout.memoryBytes ?? additive?.memoryBytes ?? 0 }

    /// Prepares a model.  Throws a `ContributionError` where it cannot be explained: linear leaves, no covers,
    /// a pipeline that mixes features in a way that is not linear.
    public convenience init(_ model: PortableModel) throws { try self.init(model, kernels: nil) }

    /// `kernels`: "scalar", "avx2" or "avx512", which this processor must have; nil: the best.
    init(_ model: PortableModel, kernels: String?) throws {
        try model.check()
        featureCount = model.featureCount
        outputCount = model.outputCount
        scoreType = model.scoreWidth == .float32 ? .float32 : .float64
        switch model {
        case .forest(let forest):
            let contributions = try ForestContributions(forest, kernels: kernels)
            (self.forest, additive) = (contributions, nil)
            scratchByteCount = contributions.scratchByteCount
        case .pipeline(let pipeline):
            let contributions = try AdditiveContributions(pipeline)
            (forest, additive) = (nil, contributions)
            scratchByteCount = contributions.scratchByteCount
        }
    }

    /// Writes contributions and status of every job; allocates and locks nothing.
    ///
    /// `scratch` is one thread's own, at least `scratchByteCount` bytes, any alignment.
    public func explain(_ jobs: UnsafeMutableBufferPointer<ContributionJob>, scratch: UnsafeMutableRawBufferPointer) {
        precondition(scratch.count >= scratchByteCount, "scratch is smaller than scratchByteCount")
        let outputStride = outputCount * columnCount * scoreType.byteCount
        for index in jobs.indices {
            let job = jobs[index]
            let inputStride = featureCount * job.valueType.byteCount
            var isFinite = true
            for row in 0..<job.rowCount {
                let values = job.values + row * inputStride
                let output = job.contributions + row * outputStride
                let isGood =
                    scoreType == .float32
                    ? explain(Float.self, values, job.valueType, output, scratch)
                    : explain(Double.self, values, job.valueType, output, scratch)
                isFinite = isFinite && isGood
            }
            jobs[index].status = isFinite ? .ok : .nonFinite
        }
    }

    /// One row; false: not all of its contributions are finite.
    @inline(__always)
    private func explain<Number: BinaryFloatingPoint>(
        _: Number.Type, _ values: UnsafeRawPointer, _ type: ValueType, _ output: UnsafeMutableRawPointer,
        _ scratch: UnsafeMutableRawBufferPointer
    ) -> Bool {
        let output = output.assumingMemoryBound(to: Number.self)
        if let forest { return forest.explain(values, type, output, scratch) }
        return additive.unsafelyUnwrapped.explain(values, type, output, scratch)
    }
}
