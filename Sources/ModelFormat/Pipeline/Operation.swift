// What a stage does with its input columns x to make its output columns y.
//
// Arithmetic is done in the output's width, each operation rounded on its own (nothing is fused),
// so that everything but `dense` and some activations comes out the same, to the bit, in every
// implementation.  NaN stands for a missing value; where an operation says nothing about it, IEEE 754
// arithmetic does: the result is NaN.
//
// Parameters are numbers of the output's width (a float32 stands in a Double exactly), because a
// number that had to be rounded first would be another model's.

public enum Operation: Sendable, Equatable {
    /// y = x, in the output's width.
    case copy
    /// y[i] = x[columns[i]].
    case select(columns: [Int])
    /// y[i] = values[i] where x[i] is missing.  Missing is NaN, or also a value equal to `marker`
    /// where that is a number.
    case impute(values: [Double], marker: Double)
    /// y[i] = (x[i] - offsets[i]) × scales[i].
    case scale(offsets: [Double], scales: [Double])
    /// y[i] = x[i] ∘ operands[i].
    case arithmetic(Arithmetic, operands: [Double])
    /// y[i] = a[i] ∘ b[i], where the input is a's columns and then as many of b's.
    case combine(Arithmetic)
    /// One block of columns for each input column, one column for each of its categories (distinct
    /// numbers): 1 where x equals it, else 0.  Missing and unknown values are all zeros.
    case oneHot(categories: [[Double]])
    /// y[i] = tables[i].value(of: x[i]): target, label and ordinal encodings.
    case lookup(tables: [LookupTable])
    /// y[i] = low[i] where x[i] is below it, high[i] where it is above that, else x[i].
    case clip(low: [Double], high: [Double])
    /// y[i] = log(x[i] + offset), natural; offset 1: log1p, computed without losing small values.
    case log(offset: Double)
    /// y[i] = the number of edges[i] (ascending) that are ≤ x[i]; NaN stays.
    case bucket(edges: [[Double]])
    /// y[i] = x[i] > thresholds[i] ? 1 : 0; NaN is above nothing, so 0.
    case binarize(thresholds: [Double])
    /// y = x / norm(x); a row whose norm is 0 stays as it is.
    case normalize(Norm)
    /// y = activation(weights · x + bias).
    case dense(DenseLayer)
    /// An objective's transform over the row's columns, as `OutputTransform` says.
    case transform(OutputTransform)
    /// Pointwise, or over the row for softmax, as ONNX defines it.
    case activation(Activation)
    /// y[i] = calibration(x[i]).
    case calibrate(Calibration)
    /// y[0] = 1 - x[0], y[1] = x[0]: a binary classifier's two probabilities.
    case complement
    /// y[i] = a[i] ∘ b[i] ? 1 : 0, where the input is a's columns and then as many of b's.
    case compare(Relation)
    /// y[i] = x[i] is 0 ? b[i] : a[i], where the input is x's columns, then as many of a's, then as many
    /// of b's.  NaN is not 0.
    case choose
    /// y[g] = the reduction of group g, the columns x[g × size] to x[(g + 1) × size - 1].
    case reduce(Reduction, size: Int)
    /// The forest's scores (its own averaging and transform included).  Its inputs keep their own
    /// widths: the forest rounds its values as it says.  The output has the forest's width.
    case forest(Forest)
    /// CatBoost's counters of categorical features; their inputs keep their own widths too.
    case catboostCounters(CatBoostCounters)

    public enum Arithmetic: UInt8, Sendable, Equatable, CaseIterable {
        case add, subtract, multiply, divide
        /// The larger one; NaN where either is.
        case maximum
        /// The smaller one; NaN where either is.
        case minimum
        /// a to the power of b, as C's `pow`.
        case power
    }

    /// Sums are made from the first column to the last, in the output's width.
    public enum Norm: UInt8, Sendable, Equatable, CaseIterable {
        /// The largest magnitude, as scikit-learn's `max`.
        case maximum
        /// The sum of magnitudes.
        case l1
        /// The root of the sum of squares.
        case l2
        /// The largest x, as ONNX's `MAX`: negative where all are.
        case largest
    }

    /// identity, relu, negate, absolute, reciprocal and squareRoot are exact; the others are within
    /// 1e-6 of the exact value, relative (1e-13 in float64), because SIMD kernels compute them.
    public enum Activation: UInt8, Sendable, Equatable, CaseIterable {
        case identity
        /// 0 below 0, else x.
        case relu
        case sigmoid, tanh
        /// exp(x - largest) / sum over the row's columns.
        case softmax
        case exponential
        case logarithm
        case negate, absolute, reciprocal, squareRoot
        /// The fraction is cut off, towards zero.
        case truncate
        /// The largest whole number that is not above x.
        case floor
    }

    /// False where either side is NaN; -0 equals 0.
    public enum Relation: UInt8, Sendable, Equatable, CaseIterable {
        case less, lessOrEqual, greater, greaterOrEqual, equal
    }

    /// Over a group's columns, from the first to the last, in the output's width.
    public enum Reduction: UInt8, Sendable, Equatable, CaseIterable {
        case sum
        /// The sum, divided by the number of columns.
        case mean
        case product
        /// The largest; NaN where there is one.
        case maximum
        /// The smallest; NaN where there is one.
        case minimum
        /// The position in the group, from 0, of the first of the largest; a NaN counts as -infinity.
        case indexOfMaximum
        /// The position in the group, from 0, of the first of the smallest; a NaN counts as infinity.
        case indexOfMinimum
    }
}

/// Values by key: a key is matched by equality, a missing value (NaN) has a value of its own.
public struct LookupTable: Sendable, Equatable {
    /// Ascending and distinct.
    public var keys: [Double]
    /// As many as keys; NaN: missing.
    public var values: [Double]
    /// Of a value that is no key; NaN: missing.
    public var otherwise: Double
    /// Of a missing value; NaN: it stays missing.
    public var missing: Double

    public init(keys: [Double], values: [Double], otherwise: Double, missing: Double) {
        self.keys = keys
        self.values = values
        self.otherwise = otherwise
        self.missing = missing
    }
}

/// activation(weights · x + bias).  The order of a row's sum is not part of the model: whatever the
/// order, the sum is within 1e-6 × (Σ |weight × x| + |bias|) of the exact one (1e-13 in float64).
public struct DenseLayer: Sendable, Equatable {
    public var inputs: Int
    public var outputs: Int
    /// Row-major, [outputs][inputs].
    public var weights: [Double]
    /// One for each output.
    public var bias: [Double]
    public var activation: Operation.Activation

    public init(
        inputs: Int, outputs: Int, weights: [Double], bias: [Double], activation: Operation.Activation = .identity
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.weights = weights
        self.bias = bias
        self.activation = activation
    }
}

/// From a score to a calibrated probability.
public enum Calibration: Sendable, Equatable {
    /// 1 / (1 + exp(slope × x + intercept)), Platt's form, as scikit-learn's `_SigmoidCalibration`.
    case platt(slope: Double, intercept: Double)
    /// Linear between the points, constant outside them (scikit-learn's IsotonicRegression with
    /// `out_of_bounds="clip"`); `x` ascending and distinct.  Between x[i] and x[i + 1]:
    /// (y[i + 1] - y[i]) / (x[i + 1] - x[i]) × (x - x[i]) + y[i].
    case isotonic(x: [Double], y: [Double])
}
