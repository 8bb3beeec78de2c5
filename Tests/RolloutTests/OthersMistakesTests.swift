// What other rollout controllers got wrong, each with the place where it was reported.  None of it may happen here.

import Testing

@testable import Rollout

@Suite struct OthersMistakesTests {
    /// Argo Rollouts #4479: an analysis without a measurement was a success.
    @Test func argo4479SuccessWithoutMeasurement() throws {
        var driver = try Driver(try Make.plan())
        driver.tick(2)
        for _ in 0..<40_000 {
            let now = driver.machine.tick + 1
            driver.follow(
                driver.machine.tick(
                    now, wall: 0, cohorts: EmptyCollection(), finalBelow: now, open: EmptyCollection()))
        }
        #expect(driver.state == .inconclusive && driver.machine.reason == .tooLittleData && driver.machine.percent == 5)
    }

    /// Argo Rollouts #4479: so was one in which every measurement was an error.
    @Test func argo4479SuccessWithEveryMeasurementInError() throws {
        var driver = try Driver(try Make.plan())
        driver.badErrors = 100
        driver.tick(100)
        #expect(driver.state == .rolledBack)
    }

    /// Argo Rollouts #4841: abort left a weight. Here at each step's weight, and while 100% bakes, it leaves none.
    @Test(arguments: [5.0, 50, 100])
    func argo4841AbortLeavesAWeight(percent: Double) throws {
        var driver = try Driver(try Make.plan())
        while driver.machine.percent < percent { driver.tick() }
        driver.tick(20)
        #expect(driver.machine.percent == percent && !driver.state.isFinal)
        try driver.command(.abort)
        #expect(driver.published.last == 0 && driver.machine.percent == 0)
        driver.tick(100)
        #expect(driver.state == .aborted && driver.published.last == 0)
    }

    /// Argo Rollouts #1838: a sticky cookie still reached the canary at weight 0. Here a lowering carries an epoch of its
    /// own, and 0 is the pinned stable version alone.
    @Test func argo1838AffinityAtWeightZero() throws {
        var driver = try Driver(try Make.plan())
        driver.tick(20)
        let actions = try driver.machine.command(.abort, by: "grace", wall: 0)
        #expect(actions.first == .lower(percent: 0, epoch: driver.machine.epoch))
        #expect(driver.machine.epoch == 2)
    }

    /// Flagger: failed checks accumulate for ever. Here a bad minute that was not enough is forgotten by good hours.
    @Test func flaggerFailuresAccumulateForEver() {
        var test = SLOTest(budget: 0.01)
        var highest = -Double.infinity
        for hour in 0..<200 {
            for tick in 0..<200 { test.step(bad: tick < 4 ? 1 : 0, of: 10) }
            if hour > 100 { highest = max(highest, test.evidence.logMean) }
        }
        // 200 times the same harmless failures are no more evidence than one.
        var once = SLOTest(budget: 0.01)
        var onceHighest = -Double.infinity
        for tick in 0..<200 {
            once.step(bad: tick < 4 ? 1 : 0, of: 10)
            onceHighest = max(onceHighest, once.evidence.logMean)
        }
        #expect(highest < onceHighest + 5)
    }

    /// Flagger #1801: no rollback while it waited for a manual gate.
    @Test func flagger1801RollbackWhileAGateWaits() throws {
        var driver = try Driver(try RolloutMachineTests.planWithEverything())
        try RolloutMachineTests.lead(&driver, to: .gate)
        #expect(driver.state == .gate)
        driver.badErrors = 50
        driver.tick(20)
        #expect(driver.state == .rolledBack && driver.published.last == 0)
    }

    /// Flagger #1898: rollback to "whatever is primary now", the broken one.
    @Test func flagger1898RollbackToTheBrokenVersion() throws {
        var driver = try Driver(try Make.plan())
        driver.tick(40_000, until: .baking)
        // The candidate is the route's stable version now; the way back is still the version of the start.
        #expect(driver.state == .baking && driver.machine.percent == 100)
        driver.badErrors = 100
        driver.tick(50)
        #expect(driver.state == .rolledBack && driver.machine.stable == "1" && driver.published.last == 0)
    }

    /// Flagger #1532: the share grew because only canary users were sticky. Here the share of a step is the plan's, and
    /// every cohort is tested at the share it was routed with.
    @Test func flagger1532TheShareGrowsByItself() throws {
        var driver = try Driver(try Make.plan())
        driver.tick(300)
        #expect(driver.machine.percent == 5 && driver.cohort().first.share == 0.05)
        #expect(driver.published == [5])
    }

    /// Seldon #5181: edited weights appended, and a model at 0% still got traffic. Here a step replaces the weight.
    @Test func seldon5181WeightsThatAppend() throws {
        var driver = try Driver(try Make.plan())
        driver.tick(40_000)
        #expect(driver.published == [5, 50, 100])
        #expect(driver.records.map(\.percent).allSatisfy { $0 <= 100 })
    }

    /// KServe #5335, #4074: a percentage that was silently ignored.
    @Test(arguments: ["0", "-1", "100.1", "5%", "abc", "0.00001", "true"])
    func kserve5335APercentageIsIgnored(percent: String) {
        #expect(throws: (any Error).self) {
            try Make.plan("", "horizon: 1h\nsteps: [{percent: \(percent), max: 10m}]\n")
        }
    }

    /// KServe #4074: what served was another percentage than the one that was asked for. Here each step asks for the
    /// plan's, to the last digit, and the cohorts are tested at what serves.
    @Test func kserve4074AnotherPercentageServes() throws {
        let steps = [0.0001, 2.5, 33.3333, 50]
        let text = steps.map { "- {percent: \($0), max: 10m, samples: 1}" }.joined(separator: "\n")
        let plan = try PlanReader.parse(
            Array("horizon: 1h\nmax_change: 50\nguards: {late: 50%, errors: 50%}\nsteps:\n\(text)\nbake: 0s\n".utf8),
            source: "plan.yaml")
        var driver = try Driver(plan, Make.start { $0.rate = 1e6 })
        for percent in steps {
            driver.tick()
            #expect(driver.machine.percent == percent && driver.cohort().first.share == percent / 100)
            try driver.command(.promote)
        }
        #expect(driver.published == steps + [100])
    }

    /// A burn rate over a window fires 4.9% of the time at exactly the SLO with 50 samples: one failure where one in a
    /// thousand is allowed is twenty times the budget. The guard at exactly the SLO stays below its α, over all windows.
    @Test func burnRatesAreNoTest() {
        var dice = Dice(seed: 3)
        var (windows, burning, fired) = (0, 0, 0)
        let runs = 100
        for _ in 0..<runs {
            var test = SLOTest(budget: 0.001)
            var crossed = false
            for _ in 0..<300 {
                let bad = (0..<50).reduce(0) { sum, _ in sum + (dice.chance(0.001) ? 1 : 0) }
                windows += 1
                if Double(bad) / 50 >= 14.4 * 0.001 { burning += 1 }
                test.step(bad: UInt32(bad), of: 50)
                crossed = crossed || test.evidence.mean >= 300 / 0.05
            }
            if crossed { fired += 1 }
        }
        #expect(abs(Double(burning) / Double(windows) - 0.0488) < 0.005)
        #expect(fired <= 5)
    }
}
