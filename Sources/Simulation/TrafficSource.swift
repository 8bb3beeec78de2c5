// Makes one tick's requests, one by one, and counts what becomes of them into a cohort.

internal import Glibc
internal import Rollout

struct TrafficSource {
    let model: TrafficModel
    /// Requests a tick on average.
    let rate: Double
    /// The run's length, for the diurnal wave.
    let ticks: Double
    /// Which arm a key has; another in every run.
    let salt: UInt64
    /// Which keys came before: the gateway's own.
    let firstKeys: KeyBitmap
    var random: RandomSource

    static let keyCount = 20_000.0
    /// Keys from this rank on may be ones that fail again and again: heavier ones would be a fault by themselves.
    static let badKeysFrom: UInt64 = 1000
    /// One light key in so many, and how much more often it fails.
    private static let badKeyEvery: UInt64 = 50
    private static let badKeyFactor = 20.0

    /// What happens to both arms in one tick.
    private struct Weather {
        var stableStall = 0.0
        var canaryStall = 0.0
        var stableBurst = 1.0
        var canaryBurst = 1.0
        var errorLevel = 1.0
        var latenessLevel = 1.0
    }

    mutating func fill(
        _ cohort: inout Cohort, tick: UInt64, stable: ArmRates, canary: ArmRates, laggingShare: Double
    ) {
        let phase = Double(tick) / ticks
        var mean = rate
        if model == .diurnal { mean *= 1 + 0.8 * sin(phase * 8 * .pi) }
        if model == .bursts, random.unit() < 0.02 { mean *= min(30, 1 / max(random.unit(), 0.01)) }
        let weather = weather(phase: phase, canary: canary)
        let count = random.poisson(mean)
        // Copies of their own: a part is 224 bytes, and behind an optional each access would move them.
        var first = cohort.first
        guard var second = cohort.second else {
            for _ in 0..<count { request(&first, stable, canary, weather) }
            cohort.first = first
            return
        }
        // Reactors see a change of the route at different moments.
        for _ in 0..<count {
            if random.unit() < laggingShare {
                request(&first, stable, canary, weather)
            } else {
                request(&second, stable, canary, weather)
            }
        }
        (cohort.first, cohort.second) = (first, second)
    }

    private mutating func weather(phase: Double, canary: ArmRates) -> Weather {
        var weather = Weather()
        switch model {
        // A first failure brings about five in all.
        case .retries, .stickyRetries: weather.errorLevel = 0.15
        case .diurnal: weather.errorLevel = 0.5 + 0.5 * sin(phase * 8 * .pi)
        case .heavyTailed:
            weather.stableBurst = random.unit() < 0.1 ? 8.2 : 0.2
            weather.canaryBurst = random.unit() < 0.1 ? 8.2 : 0.2
        case .armStalls:
            weather.latenessLevel = 0.2
            weather.canaryStall = stall(canary.late)
            weather.stableStall = stall(canary.late / 1.25)
        case .sharedStalls:
            weather.latenessLevel = 0.2
            let stall = stall(canary.late / 1.25)
            (weather.canaryStall, weather.stableStall) = (stall, stall)
        default: break
        }
        return weather
    }

    /// The part of this tick that is lost: 0 mostly, so that 80% of the late requests come from it on average.
    private mutating func stall(_ late: Double) -> Double {
        let length = 0.2 + 0.3 * random.unit()
        return random.unit() < 0.8 * late / 0.35 ? length : 0
    }

    private mutating func request(
        _ part: inout CohortPart, _ stable: ArmRates, _ canary: ArmRates, _ weather: Weather
    ) {
        let (coin, failure) = random.units()
        if model.isSticky { return stickyRequest(&part, stable, canary, failure / weather.errorLevel) }
        let fails = { (rates: ArmRates) in failure < rates.errors * weather.errorLevel }
        if coin < part.share {
            answer(&part.canary, canary, weather.latenessLevel, weather.canaryStall, weather.canaryBurst, fails(canary))
            if model == .retries, fails(canary) { retry(&part, stable, canary) }
        } else {
            answer(&part.stable, stable, weather.latenessLevel, weather.stableStall, weather.stableBurst, fails(stable))
            if model == .retries, fails(stable) { retry(&part, stable, canary) }
        }
    }

    @inline(__always)
    private mutating func answer(
        _ counts: inout ArmCounts, _ rates: ArmRates, _ lateness: Double, _ stall: Double, _ burst: Double,
        _ fails: Bool, isFirst: Bool = true, decisionKey: UInt64 = 0
    ) {
        var (slowness, decision) = random.units()
        let bits = random.next()
        if stall > 0, RandomSource.unit(bits) < stall { slowness = 0 }
        counts.requests += 1
        if slowness < rates.late * lateness * burst || stall > 0 && slowness == 0 { counts.late += 1 }
        if slowness < 0.99 {
            let isSlower = SIMD4(repeating: Float(slowness)) .< SIMD4<Float>(rates.slower * burst)
            counts.slower &+= SIMD4<UInt32>.zero.replacing(with: 1, where: isSlower)
        }
        if fails {
            counts.errors += 1
            if isFirst { counts.errorEvents += 1 }
            return
        }
        if decisionKey != 0 { decision = RandomSource.unit(RandomSource.mixed(decisionKey)) }
        if decision < rates.decisions {
            counts.positives += 1
            if isFirst { counts.positiveEvents += 1 }
        }
        guard isFirst else { return }
        let score = Double(bits & 0xffff) * 0x1p-12 + rates.scoreShift
        counts.scores[min(Int(score), ArmCounts.binCount - 1)] += 1
    }

    /// The same card at once again, each time with a coin of its own, and most likely in vain.
    private mutating func retry(_ part: inout CohortPart, _ stable: ArmRates, _ canary: ArmRates) {
        for _ in 0..<20 {
            let (coin, failure) = random.units()
            if coin < part.share {
                answer(&part.canary, canary, 1, 0, 1, failure < 0.8)
            } else {
                answer(&part.stable, stable, 1, 0, 1, failure < 0.8)
            }
            if failure >= 0.8 { return }
        }
    }

    private mutating func stickyRequest(
        _ part: inout CohortPart, _ stable: ArmRates, _ canary: ArmRates, _ failure: Double
    ) {
        // P(rank ≤ x) = log x / log N: Zipf's law with exponent 1.
        let rank = UInt64(exp(random.unit() * log(Self.keyCount)))
        let key = RandomSource.mixed(rank &+ salt) | 1
        let isCanary = RandomSource.unit(RandomSource.mixed(key)) < part.share
        let rates = isCanary ? canary : stable
        let isBad = rank >= Self.badKeysFrom && key >> 8 % Self.badKeyEvery == 0
        let level = isBad ? Self.badKeyFactor : 0.3
        let fails = failure < rates.errors * level
        // What a version decides of a key it decides again; other versions, where the model says so, of other keys.
        let decisionKey = key ^ (isCanary && model == .stickyDecisions ? 0x7373 : 0x5151)
        let isFirst = firstKeys.claim(key)
        if isCanary {
            answer(&part.canary, rates, 1, 0, 1, fails, isFirst: isFirst, decisionKey: decisionKey)
        } else {
            answer(&part.stable, rates, 1, 0, 1, fails, isFirst: isFirst, decisionKey: decisionKey)
        }
        guard fails, model == .stickyRetries else { return }
        for _ in 0..<20 {
            let again = random.unit() < 0.8
            if isCanary {
                answer(&part.canary, rates, 1, 0, 1, again, isFirst: false, decisionKey: decisionKey)
            } else {
                answer(&part.stable, rates, 1, 0, 1, again, isFirst: false, decisionKey: decisionKey)
            }
            if !again { return }
        }
    }
}
