// What each feature of a row adds to its margin: exact Shapley values, as the trainers compute them.
//
//     margin[output] = Σ contributions[output][feature] + contributions[output][last column]
//
// Forests: path-dependent TreeSHAP (Lundberg et al. 2018), equal to XGBoost's `pred_contribs` and
// LightGBM's `pred_contrib`; the last column is the expected margin.  The method is in
// serin_contributions.h: one pass down and one up each tree, where the recursion of the trainers
// takes time that grows with the square of the depth.

internal import CKernels
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
    let forest: ShapForest
    let rules: ShapRowRules
    let kernel: @convention(c) (UnsafePointer<serin_shap_forest>?, Int, Int, UnsafePointer<serin_shap_scratch>?) -> Void

    public let featureCount: Int
    public let outputCount: Int
    /// Numbers of one output: one for each feature, then the expected margin.
    public var columnCount: Int { featureCount + 1 }
    /// Width of the contributions: that of the margins.
    public let scoreType: ValueType
    /// By output: what is added to and multiplied with a sum to make a margin of it.
    let scale: Double
    let expected: [Double]

    /// Prepares a model; throws where it cannot be explained, with the reason.
    public convenience init(_ model: PortableModel) throws { try self.init(model, kernels: "") }

    /// `kernels`: "scalar", "avx2" or "avx512", which this processor must have; empty: the best.
    init(_ model: PortableModel, kernels: String) throws {
        try model.check()
        guard case .forest(let forest) = model else {
            throw ContributionError("", "contributions of pipelines are not supported")
        }
        guard let kernel = kernels.isEmpty ? serin_shap_best() : serin_shap_named(kernels) else {
            throw ContributionError("", "this processor has no \(kernels)")
        }
        self.kernel = kernel
        self.forest = try ShapForest(forest)
        rules = ShapRowRules(forest)
        featureCount = forest.featureCount
        outputCount = forest.outputCount
        scoreType = forest.accumulation == .float32 ? .float32 : .float64
        scale = forest.marginScale
        let bias = forest.marginBias.isEmpty ? [Double](repeating: 0, count: forest.outputCount) : forest.marginBias
        expected = zip(self.forest.expected, bias).map { $0 * forest.marginScale + $1 }
    }
}
