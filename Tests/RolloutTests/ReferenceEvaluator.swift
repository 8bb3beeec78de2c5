// The specification's formulas, written down once more and slowly: every Shiryaev–Roberts statistic as what it is defined
// to be, the sum over all starts of the product of likelihood ratios from that start on, in plain doubles.  Nothing is
// shared with the evaluator but the cohorts.

import Glibc
import Rollout

struct ReferenceEvaluator {
    var cohorts: [Cohort] = []

    /// mean_k Σ_s Π_{t ≥ s} L_k(t)
    private func statistic(_ count: Int, _ ratio: (Int, Cohort) -> Double) -> Double {
        var sum = 0.0
        for k in 0..<count {
            let ratios = cohorts.map { ratio(k, $0) }
            for start in ratios.indices { sum += ratios[start...].reduce(1, *) }
        }
        return sum / Double(count)
    }

    private func total(_ cohort: Cohort, _ path: (CohortPart) -> ArmCounts, _ count: (ArmCounts) -> UInt32) -> Double {
        Double(count(path(cohort.first))) + (cohort.second.map { Double(count(path($0))) } ?? 0)
    }

    /// (i)
    func breach(_ p0: Double, _ arm: @escaping (CohortPart) -> ArmCounts, _ bad: @escaping (ArmCounts) -> UInt32)
        -> Double
    {
        let grid = [1.25, 1.5, 2, 3, 5, 10, 25, 80].map { $0 * p0 }.filter { $0 < 1 }
        return statistic(grid.count) { k, cohort in
            let n = total(cohort, arm) { $0.requests }
            if n == 0 { return 1 }
            let x = total(cohort, arm, bad) / n
            return 1 + (grid[k] - p0) / (p0 * (1 - p0)) * (x - p0)
        }
    }

    static func theta(_ r: Double, _ rho: Double) -> Double { rho * r / (rho * r + 1 - rho) }

    /// (ii), rare events
    func ratio(_ r0: Double, _ grid: [Double], _ events: @escaping (ArmCounts) -> UInt32) -> Double {
        statistic(grid.count) { k, cohort in
            var product = 1.0
            for part in [cohort.first, cohort.second].compactMap({ $0 }) where part.share > 0 && part.share < 1 {
                let (one, null) = (Self.theta(grid[k], part.share), Self.theta(r0, part.share))
                product *= pow(one / null, Double(events(part.canary)))
                product *= pow((1 - one) / (1 - null), Double(events(part.stable)))
            }
            return product
        }
    }

    /// (ii), clustered events, and (iii)
    func means(_ r0: Double, _ bad: @escaping (ArmCounts) -> UInt32) -> Double {
        let grid = [0.02, 0.08, 0.2, 0.4, 0.8].filter { $0 <= 1 / r0 }
        return statistic(grid.count) { k, cohort in
            let (c, s) = (total(cohort, \.canary) { $0.requests }, total(cohort, \.stable) { $0.requests })
            if c == 0 || s == 0 { return 1 }
            return 1 + grid[k] * (total(cohort, \.canary, bad) / c - r0 * total(cohort, \.stable, bad) / s)
        }
    }

    /// (iv)
    func shift() -> Double {
        var ratios: [Double] = []
        var (canary, stable) = ([Double](repeating: 0, count: 16), [Double](repeating: 0, count: 16))
        for cohort in cohorts {
            let parts = [cohort.first, cohort.second].compactMap { $0 }.filter { $0.share > 0 && $0.share < 1 }
            var product = 1.0
            for part in parts {
                for bin in 0..<16 {
                    let qc = (canary[bin] + 0.5) / (canary.reduce(0, +) + 8)
                    let qs = (stable[bin] + 0.5) / (stable.reduce(0, +) + 8)
                    let s = part.share * qc / (part.share * qc + (1 - part.share) * qs)
                    product *= pow(s / part.share, Double(part.canary.scores[bin]))
                    product *= pow((1 - s) / (1 - part.share), Double(part.stable.scores[bin]))
                }
            }
            ratios.append(product)
            for part in parts {
                for bin in 0..<16 {
                    canary[bin] += Double(part.canary.scores[bin])
                    stable[bin] += Double(part.stable.scores[bin])
                }
            }
        }
        return ratios.indices.reduce(0) { $0 + ratios[$1...].reduce(1, *) }
    }

    /// E_rel and E_abs of promotion.
    func promotion(_ rateMax: Double, _ bad: (ArmCounts) -> UInt32) -> (relative: Double, absolute: Double) {
        let parts = cohorts.flatMap { [$0.first, $0.second].compactMap { $0 } }
        let relative = [0, 0.25, 0.5, 0.75, 1, 1.5].map { r in
            parts.filter { $0.share > 0 && $0.share < 1 }.reduce(1.0) { product, part in
                let (one, null) = (Self.theta(r, part.share), Self.theta(2, part.share))
                return product * pow(one / null, Double(bad(part.canary)))
                    * pow((1 - one) / (1 - null), Double(bad(part.stable)))
            }
        }
        let bads = parts.reduce(0.0) { $0 + Double(bad($1.canary)) }
        let goods = parts.reduce(0.0) { $0 + Double($1.canary.requests) } - bads
        let absolute = [0, 0.02, 0.1, 0.25, 0.5, 0.75].map { f in
            pow(f, bads) * pow((1 - f * rateMax) / (1 - rateMax), goods)
        }
        return (relative.reduce(0, +) / 6, absolute.reduce(0, +) / 6)
    }
}
