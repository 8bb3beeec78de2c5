// Activations of the oracle, in double with the C library's functions.

internal import Glibc

extension ReferenceScorer {
    static func apply(_ activation: Operation.Activation, _ values: [Double]) -> [Double] {
        switch activation {
        case .identity: return values
        case .relu: return values.map { $0 < 0 ? 0 : $0 }
        case .sigmoid: return values.map { 1 / (1 + exp(-$0)) }
        case .tanh: return values.map { tanh($0) }
        case .softmax: return softmax(values)
        case .exponential: return values.map { exp($0) }
        case .logarithm: return values.map { log($0) }
        case .negate: return values.map { -$0 }
        case .absolute: return values.map { $0.magnitude }
        case .reciprocal: return values.map { 1 / $0 }
        case .squareRoot: return values.map { $0.squareRoot() }
        case .truncate: return values.map { $0.rounded(.towardZero) }
        case .floor: return values.map { $0.rounded(.down) }
        }
    }

    private static func softmax(_ values: [Double]) -> [Double] {
        // A NaN anywhere makes every column one, as the sum does.
        let largest = values.dropFirst().reduce(values[0]) { $0 < $1 ? $1 : $0 }
        let powers = values.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
