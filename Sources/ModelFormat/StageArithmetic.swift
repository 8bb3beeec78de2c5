// The oracle's exact stages, in one width: each line is the formula that `Operation` states.

internal import Glibc

/// Float or Double, with the C library's functions of that width.
protocol StageNumber: BinaryFloatingPoint {
    static func exponential(_ value: Self) -> Self
    static func logarithm(_ value: Self) -> Self
    static func logarithmOnePlus(_ value: Self) -> Self
    static func power(_ base: Self, _ exponent: Self) -> Self
}

extension Float: StageNumber {
    static func exponential(_ value: Float) -> Float { expf(value) }
    static func logarithm(_ value: Float) -> Float { logf(value) }
    static func logarithmOnePlus(_ value: Float) -> Float { log1pf(value) }
    static func power(_ base: Float, _ exponent: Float) -> Float { powf(base, exponent) }
}

extension Double: StageNumber {
    static func exponential(_ value: Double) -> Double { exp(value) }
    static func logarithm(_ value: Double) -> Double { log(value) }
    static func logarithmOnePlus(_ value: Double) -> Double { log1p(value) }
    static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
}

enum StageArithmetic<Number: StageNumber> {
    static func apply(_ operation: Operation, _ x: [Number]) -> [Number] {
        switch operation {
        case .copy: return x
        case .select(let columns): return columns.map { x[$0] }
        case .impute(let values, let marker): return map(x, values) { $0.isNaN || $0 == Number(marker) ? $1 : $0 }
        case .scale(let offsets, let scales):
            return x.indices.map { (x[$0] - Number(offsets[$0])) * Number(scales[$0]) }
        case .arithmetic(let kind, let operands): return map(x, operands) { combine(kind, $0, $1) }
        case .combine(let kind):
            let half = x.count / 2
            return (0..<half).map { combine(kind, x[$0], x[half + $0]) }
        case .oneHot(let categories):
            return x.indices.flatMap { i in categories[i].map { x[i] == Number($0) ? 1 : 0 } }
        case .lookup(let tables): return x.indices.map { lookUp(x[$0], tables[$0]) }
        case .clip(let low, let high):
            return x.indices.map { x[$0] < Number(low[$0]) ? Number(low[$0]) : min(x[$0], above: Number(high[$0])) }
        case .log(let offset):
            return x.map { offset == 1 ? Number.logarithmOnePlus($0) : Number.logarithm($0 + Number(offset)) }
        case .bucket(let edges):
            return x.indices.map { i in x[i].isNaN ? x[i] : Number(edges[i].count { Number($0) <= x[i] }) }
        case .binarize(let thresholds): return map(x, thresholds) { $0 > $1 ? 1 : 0 }
        case .normalize(let norm): return normalize(x, norm)
        case .calibrate(let calibration): return x.map { calibrate($0, calibration) }
        case .complement: return [1 - x[0], x[0]]
        case .compare(let relation):
            let half = x.count / 2
            return (0..<half).map { holds(relation, x[$0], x[half + $0]) ? 1 : 0 }
        case .choose:
            let third = x.count / 3
            return (0..<third).map { x[$0] == 0 ? x[2 * third + $0] : x[third + $0] }
        case .reduce(let reduction, let size):
            return stride(from: 0, to: x.count, by: size).map { reduce(reduction, x[$0..<$0 + size]) }
        case .dense, .transform, .activation, .forest, .catboostCounters:
            preconditionFailure("is not arithmetic of one width")
        }
    }

    private static func map(_ x: [Number], _ parameters: [Double], _ body: (Number, Number) -> Number) -> [Number] {
        zip(x, parameters).map { body($0, Number($1)) }
    }

    private static func min(_ value: Number, above limit: Number) -> Number { value > limit ? limit : value }

    private static func combine(_ kind: Operation.Arithmetic, _ a: Number, _ b: Number) -> Number {
        switch kind {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: a / b
        case .maximum: a > b || a.isNaN ? a : b
        case .minimum: a < b || a.isNaN ? a : b
        case .power: Number.power(a, b)
        }
    }

    private static func holds(_ relation: Operation.Relation, _ a: Number, _ b: Number) -> Bool {
        switch relation {
        case .less: a < b
        case .lessOrEqual: a <= b
        case .greater: a > b
        case .greaterOrEqual: a >= b
        case .equal: a == b
        }
    }

    private static func reduce(_ reduction: Operation.Reduction, _ x: ArraySlice<Number>) -> Number {
        let rest = x.dropFirst()
        let first = x.first!
        switch reduction {
        case .sum: return rest.reduce(first, +)
        case .mean: return rest.reduce(first, +) / Number(x.count)
        case .product: return rest.reduce(first, *)
        case .maximum: return rest.reduce(first) { combine(.maximum, $0, $1) }
        case .minimum: return rest.reduce(first) { combine(.minimum, $0, $1) }
        case .indexOfMaximum: return position(x.map { $0.isNaN ? -Number.infinity : $0 }) { $0 > $1 }
        case .indexOfMinimum: return position(x.map { $0.isNaN ? Number.infinity : $0 }) { $0 < $1 }
        }
    }

    /// Where the first number stands that none is better than.
    private static func position(_ x: [Number], _ isBetter: (Number, Number) -> Bool) -> Number {
        var best = 0
        for index in x.indices where isBetter(x[index], x[best]) { best = index }
        return Number(best)
    }

    private static func lookUp(_ value: Number, _ table: LookupTable) -> Number {
        if value.isNaN { return Number(table.missing) }
        let place = table.keys.firstIndex { Number($0) == value }
        return Number(place.map { table.values[$0] } ?? table.otherwise)
    }

    private static func normalize(_ x: [Number], _ norm: Operation.Norm) -> [Number] {
        let size: Number
        switch norm {
        case .maximum: size = x.dropFirst().reduce(x[0].magnitude) { combine(.maximum, $0, $1.magnitude) }
        case .largest: size = x.dropFirst().reduce(x[0]) { combine(.maximum, $0, $1) }
        case .l1: size = x.reduce(0) { $0 + $1.magnitude }
        case .l2: size = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        return size == 0 ? x : x.map { $0 / size }
    }

    private static func calibrate(_ value: Number, _ calibration: Calibration) -> Number {
        switch calibration {
        case .platt(let slope, let intercept):
            return 1 / (1 + Number.exponential(Number(slope) * value + Number(intercept)))
        case .isotonic(let x, let y):
            guard value > Number(x[0]) else { return value.isNaN ? value : Number(y[0]) }
            guard value < Number(x[x.count - 1]) else { return Number(y[y.count - 1]) }
            let high = x.firstIndex { Number($0) >= value }!
            let (x0, y0) = (Number(x[high - 1]), Number(y[high - 1]))
            return (Number(y[high]) - y0) / (Number(x[high]) - x0) * (value - x0) + y0
        }
    }
}
