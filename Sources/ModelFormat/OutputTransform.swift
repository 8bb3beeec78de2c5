// What an objective does to the summed leaves of a row before it calls them a score.
//
// Computed in the forest's width.  The float32 forms are XGBoost's to the operation (its sigmoid
// clamps at 88.7, its softmax sums in double), the float64 forms LightGBM's and CatBoost's.

internal import Glibc

public enum OutputTransform: Sendable, Equatable {
    case identity
    /// 1 / (1 + exp(-scale × margin)) for each output; in float32 the scale is 1.
    case sigmoid(scale: Double)
    /// exp(margin - largest) / sum, over a row's outputs.
    case softmax
    case exponential
    /// 1 above 0, else 0.
    case step
    /// margin × |margin|: undoes the signed root that the labels went through.
    case signedSquare
    /// log(1 + exp(margin)).
    case softplus
    /// Softmax by CatBoost's own exponential function, `FastExponential`.
    case fastSoftmax
    /// CatBoost's own exponential function.
    case fastExponential

    /// Scores of one row from its margins.
    public func apply(_ margins: [Double], width: NumberWidth) -> [Double] {
        switch width {
        case .float32: apply(margins.map { Float($0) }).map { Double($0) }
        case .float64: apply(margins)
        }
    }

    private func apply(_ margins: [Float]) -> [Float] {
        switch self {
        case .identity: return margins
        case .sigmoid: return margins.map { Float(1) / (expf(min(-$0, Float(88.7))) + 1 + Float(1e-16)) }
        case .softmax:
            let largest = margins.dropFirst().reduce(margins[0]) { fmaxf($1, $0) }
            let powers = margins.map { expf($0 - largest) }
            let sum = Float(powers.reduce(Double(0)) { $0 + Double($1) })
            return powers.map { $0 / sum }
        case .exponential: return margins.map { expf($0) }
        case .fastSoftmax:
            let largest = margins.dropFirst().reduce(margins[0]) { fmaxf($1, $0) }
            let powers = margins.map { Float(FastExponential.value(Double($0 - largest))) }
            let sum = powers.reduce(0, +)
            return powers.map { $0 / sum }
        case .fastExponential: return margins.map { Float(FastExponential.value(Double($0))) }
        case .step: return margins.map { $0 > 0 ? 1 : 0 }
        case .signedSquare: return margins.map { $0 < 0 ? -($0 * $0) : $0 * $0 }
        case .softplus: return margins.map { log1pf(expf($0)) }
        }
    }

    private func apply(_ margins: [Double]) -> [Double] {
        switch self {
        case .identity: return margins
        case .sigmoid(let scale): return margins.map { 1 / (1 + exp(-scale * $0)) }
        case .softmax:
            let largest = margins.dropFirst().reduce(margins[0]) { max($0, $1) }
            let powers = margins.map { exp($0 - largest) }
            let sum = powers.reduce(0, +)
            return powers.map { $0 / sum }
        case .exponential: return margins.map { exp($0) }
        case .fastSoftmax:
            let largest = margins.dropFirst().reduce(margins[0]) { max($0, $1) }
            let powers = margins.map { FastExponential.value($0 - largest) }
            let sum = powers.reduce(0, +)
            return powers.map { $0 / sum }
        case .fastExponential: return margins.map { FastExponential.value($0) }
        case .step: return margins.map { $0 > 0 ? 1 : 0 }
        case .signedSquare: return margins.map { $0 < 0 ? -($0 * $0) : $0 * $0 }
        case .softplus: return margins.map { log1p(exp($0)) }
        }
    }
}
