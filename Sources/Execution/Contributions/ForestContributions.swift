// A forest's contributions: TreeSHAP, one pass down and one up each tree (serin_contributions.h), where the
// recursion of the trainers takes time that grows with the square of the depth.

internal import CKernels
internal import ModelFormat

final class ForestContributions: Sendable {
    let layout: ShapForest
    let rules: ShapRowRules
    let kernel: @convention(c) (UnsafePointer<serin_shap_forest>?, Int, Int, UnsafePointer<serin_shap_scratch>?) -> Void
    let featureCount: Int
    let outputCount: Int
    /// margin = sum × scale + …
    let scale: Double
    /// By output: the expected margin.
    let expected: [Double]

    /// `kernels`: "scalar", "avx2" or "avx512", which this processor must have; nil: the best.
    init(_ forest: Forest, kernels: String?) throws(ContributionError) {
        guard let kernel = kernels.map({ serin_shap_named($0) }) ?? serin_shap_best() else {
            throw ContributionError("", "this processor has no \(kernels ?? "kernels")")
        }
        self.kernel = kernel
        layout = try ShapForest(forest)
        rules = ShapRowRules(forest)
        featureCount = forest.featureCount
        outputCount = forest.outputCount
        scale = forest.marginScale
        let bias = forest.marginBias.isEmpty ? [Double](repeating: 0, count: forest.outputCount) : forest.marginBias
        expected = zip(layout.expected, bias).map { $0 * forest.marginScale + $1 }
    }
}
