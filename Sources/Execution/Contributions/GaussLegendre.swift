// Gauss-Legendre quadrature: n points that integrate every polynomial of a degree below 2n exactly.

internal import Glibc

struct GaussLegendre {
    /// Ascending, between 0 and 1.
    private(set) var points: [Double] = []
    /// They add up to 1.
    private(set) var weights: [Double] = []

    /// The rule of `count` points (at least 1) on [0, 1].
    ///
    /// Roots of the Legendre polynomial by Newton's method from Tricomi's first guess (Abramowitz and
    /// Stegun 22.16.6, 25.4.30).
    init(count: Int) {
        for index in 0..<count {
            var root = cos(Double.pi * (Double(count - index) - 0.25) / (Double(count) + 0.5))
            var slope = 0.0
            for _ in 0..<100 {
                let (value, before) = Self.polynomial(count, at: root)
                slope = Double(count) * (root * value - before) / (root * root - 1)
                let step = value / slope
                root -= step
                if abs(step) <= 1e-15 { break }
            }
            points.append((root + 1) / 2)
            weights.append(1 / ((1 - root * root) * slope * slope))
        }
    }

    /// The Legendre polynomial of `degree` and the one before it.
    private static func polynomial(_ degree: Int, at x: Double) -> (value: Double, before: Double) {
        var (value, before) = (x, 1.0)
        for order in stride(from: 2, through: degree, by: 1) {
            let next = (Double(2 * order - 1) * x * value - Double(order - 1) * before) / Double(order)
            (value, before) = (next, value)
        }
        return (value, before)
    }
}
