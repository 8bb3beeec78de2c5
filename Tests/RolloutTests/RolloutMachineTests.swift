// From state to state, as the table says.

import Testing

@testable import Rollout

@Suite struct RolloutMachineTests {
    @Test func aHealthyCandidateIsPromotedByItself() throws {
        var driver = try Driver(try Make.plan())
        driver.tick(40_000)
        #expect(driver.state == .promoted)
        #expect(driver.published == [5, 50, 100])
        let path = driver.records.map(\.to)
        #expect(path == [.raising, .running, .waiting, .raising, .running, .waiting, .raising, .baking, .promoted])
        // Not before the promotion test passed: 4,336 clean requests at 5 a tick.
        let passed = try #require(driver.records.first { $0.to == .waiting })
        #expect(passed.stepTotals.canary.requests >= 4336 && passed.stepTotals.canary.requests < 4336 + 60)
        #expect(passed.promotion >= passed.promotionThreshold)
    }

    @Test func aFailingCandidateGoesBackWithItsEvidence() throws {
        var driver = try Driver(try Make.plan())
        driver.tick(20)
        driver.badErrors = 5
        driver.tick(20, until: .rolledBack)
        #expect(driver.state == .rolledBack && driver.published == [5, 0] && driver.machine.percent == 0)
        let record = try #require(driver.records.last)
        #expect(record.isAlert && record.stepTotals.canary.errors > 0)
        guard case .verdict(.rollback(let tests)) = record.reason else { throw Failure() }
        #expect(tests.contains(.errors) || tests.contains(.errorRatio))
        #expect(record.readings.contains { $0.test == tests.first && $0.evidence > 0 })
        // Over is over.
        #expect(throws: RolloutRefusal.isOver(.rolledBack)) { try driver.command(.resume) }
    }

    struct Failure: Error {}

    /// Into each state that is not final, then the candidate fails: out, whatever it was waiting for.
    @Test(arguments: RolloutState.allCases.filter { !$0.isFinal })
    func rollbackLeavesEveryState(state: RolloutState) throws {
        var driver = try Driver(try Self.planWithEverything())
        try Self.lead(&driver, to: state)
        #expect(driver.state == state)
        let weight = driver.machine.percent
        driver.badErrors = 50
        driver.stableLate = weight == 0 ? 100 : 0
        driver.tick(200)
        #expect(driver.state == .rolledBack, "from \(state)")
        #expect(driver.published.last == 0 && driver.machine.percent == 0)
    }

    @Test(arguments: RolloutState.allCases.filter { !$0.isFinal })
    func abortLeavesEveryState(state: RolloutState) throws {
        var driver = try Driver(try Self.planWithEverything())
        try Self.lead(&driver, to: state)
        #expect(driver.state == state)
        try driver.command(.abort)
        #expect(driver.state == .aborted && driver.published.last == 0 && driver.machine.percent == 0)
        driver.tick(10)
        #expect(driver.state == .aborted)
    }

    static func planWithEverything() throws -> RolloutPlan {
        try Make.plan(
            "",
            """
            horizon: 1h
            steps:
            - {percent: 5, min: 10s, max: 10m, samples: 100}
            - percent: 50
              min: 10s
              max: 10m
              gate: true
              before: {url: "https://ci.example/before", timeout: 5s}
              after: {url: "https://ci.example/after", timeout: 5s}
            bake: 1m
            """)
    }

    /// At the second step, or as near as the state allows.
    static func lead(_ driver: inout Driver, to state: RolloutState) throws {
        driver.tick(2)
        switch state {
        case .waiting:
            driver = try Driver(driver.machine.plan)
            return
        case .raising:
            driver.acknowledges = false
            driver.answersHooks = true
        case .beforeStep: driver.answersHooks = false
        case .paused: return try driver.command(.pause)
        case .running: return
        case .inconclusive:
            // Too bad to promote, too good to roll back.
            for tick in 0..<6100 where driver.state == .running {
                driver.badErrors = tick % 200 == 199 ? 1 : 0
                driver.stableErrors = tick % 19 == 0 ? 1 : 0
                driver.tick()
            }
            driver.stableErrors = 0
            return
        case .afterStep:
            // The hook before the second step is answered, the one after it is not.
            for _ in 0..<1500 where driver.machine.percent < 50 { driver.tick() }
            driver.answersHooks = false
        default: break
        }
        driver.tick(1500, until: state)
        if state == .baking {
            driver.tick(1500, until: .gate)
            try driver.command(.promote)
        }
    }

    /// One that waits for approval begins when a person resumes it, restarts or not; and it may be given up before.
    @Test func approvalIsWaitedFor() throws {
        var driver = try Driver(try Self.planWithEverything())
        driver.machine.awaitApproval()
        driver.tick(100)
        #expect(driver.state == .paused && driver.machine.percent == 0 && driver.hooks.isEmpty)
        #expect(driver.machine.reason == .approval && driver.machine.reason.text.contains("waits for approval"))
        #expect(throws: RolloutRefusal.self) { try driver.command(.promote) }
        try driver.restart()
        #expect(driver.state == .paused && driver.machine.reason == .approval)
        var refused = driver
        try refused.command(.abort)
        #expect(refused.state == .aborted && refused.machine.percent == 0)
        try driver.command(.resume)
        driver.tick(2)
        #expect(driver.state == .running && driver.machine.percent == 5)
    }

    @Test func aHookThatNeverAnswersHolds() throws {
        var driver = try Driver(try Self.planWithEverything())
        driver.answersHooks = false
        driver.tick(1500, until: .beforeStep)
        let sequence = try #require(driver.hooks.last?.1)
        driver.tick(49)
        #expect(driver.state == .beforeStep)
        driver.tick(1)
        #expect(driver.state == .paused && driver.machine.percent == 5)
        #expect(driver.machine.reason == .hook(url: "https://ci.example/before", failure: .noAnswer))
        // Its answer after all changes nothing.
        #expect(driver.machine.answerHook(sequence: sequence, mayGoOn: true, wall: 0).isEmpty)
        #expect(driver.state == .paused)
        // Resumed, it is asked again.
        driver.answersHooks = true
        try driver.command(.resume)
        driver.tick(2)
        #expect(driver.state == .running && driver.machine.percent == 50 && driver.hooks.count == 2)
    }

    @Test func aHookThatRefusesHolds() throws {
        var driver = try Driver(try Self.planWithEverything())
        driver.answersHooks = false
        driver.tick(1500, until: .beforeStep)
        driver.follow(driver.machine.answerHook(sequence: driver.hooks[0].1, mayGoOn: false, wall: 0))
        #expect(driver.state == .paused)
        #expect(driver.machine.reason == .hook(url: "https://ci.example/before", failure: .refused))
    }

    @Test func nothingIsRaisedInAFreezeWindow() throws {
        var driver = try Driver(try Make.plan("freeze: [{from: \"1970-01-01 00:01\", to: \"1970-01-01 00:10\"}]\n"))
        driver.tick(1500)
        #expect(driver.state == .waiting && driver.machine.reason == .freeze && driver.machine.percent == 5)
        // Said once, not every tick.
        #expect(driver.records.filter { $0.reason == .freeze }.count == 1)
        #expect(throws: RolloutRefusal.self) { try driver.command(.promote) }
        driver.tick(5000, until: .running)
        #expect(driver.machine.percent == 50 && driver.machine.tick >= 6000)
    }

    @Test func aSecondPersonPromotes() throws {
        var driver = try Driver(try Make.plan("second_person: true\n"))
        driver.tick(5)
        for actor in ["ada", "anonymous"] {
            #expect(throws: RolloutRefusal.needsSecondPerson) { try driver.command(.promote, by: actor) }
        }
        try driver.command(.promote, by: "grace")
        #expect(driver.machine.percent == 50)
        #expect(driver.records.contains { $0.reason == .person("grace") })
    }

    @Test func theStepsTimeEndsInconclusiveOrWithTooLittleData() throws {
        var driver = try Driver(try Self.planWithEverything())
        try Self.lead(&driver, to: .inconclusive)
        #expect(driver.state == .inconclusive && driver.machine.reason == .maxTimeOver && driver.machine.percent == 5)
        try driver.command(.resume)
        #expect(driver.state == .running)
        driver = try Driver(try Self.planWithEverything())
        driver.tick(2)
        // Nobody comes.
        for _ in 0..<6100 where driver.state == .running {
            let tick = driver.machine.tick
            driver.follow(
                driver.machine.tick(
                    tick + 1, wall: 0, cohorts: EmptyCollection(), finalBelow: tick + 1, open: EmptyCollection()))
        }
        #expect(driver.state == .inconclusive && driver.machine.reason == .tooLittleData)
    }

    @Test func aStepBackLowersAtOnce() throws {
        var driver = try Driver(try Make.plan())
        driver.tick(1500, until: .waiting)
        while driver.machine.percent < 50 { driver.tick() }
        let epoch = driver.machine.epoch
        try driver.command(.stepBack)
        #expect(driver.state == .running && driver.machine.percent == 5 && driver.machine.epoch == epoch + 1)
        try driver.command(.stepBack)
        #expect(driver.state == .paused && driver.machine.percent == 0)
        try driver.command(.resume)
        driver.tick(2)
        #expect(driver.state == .running && driver.machine.percent == 5)
    }

    @Test func aScoreShiftPausesAndIsExplained() throws {
        var driver = try Driver(try Make.plan())
        driver.tick(2)
        for tick in 0..<2000 where driver.state == .running {
            var cohort = driver.cohort()
            for bin in 0..<16 {
                cohort.first.stable.scores[bin] = UInt32(5 + (bin + tick) % 2)
                cohort.first.canary.scores[bin] = bin > 11 ? 1 : 0
            }
            let now = driver.machine.tick + 1
            driver.follow(
                driver.machine.tick(
                    now, wall: 0, cohorts: CollectionOfOne(cohort), finalBelow: now, open: EmptyCollection()))
        }
        #expect(driver.state == .paused && driver.machine.percent == 5)
        let record = try #require(driver.records.last)
        #expect(record.reason == .verdict(.pause([.scores])))
        let shift = try #require(record.shift)
        #expect(shift.index > 0.25 && shift.bins[0].index > 11)
        #expect(shift.bins[0].canaryShare > shift.bins[0].stableShare)
        // A person has seen it: it goes on, and the same does not pause it again.
        try driver.command(.resume)
        driver.tick(5)
        #expect(driver.state == .running)
    }

    @Test func bothArmsLateIsTheEnvironment() throws {
        var driver = try Driver(try Make.plan(), Make.start { $0.lateBefore = 0.0005 })
        driver.tick(20)
        (driver.badLate, driver.stableLate) = (5, 60)
        driver.tick(50)
        #expect(driver.state == .rolledBack)
        guard case .verdict(.environment(let tests)) = driver.machine.reason else { throw Failure() }
        #expect(tests.contains { $0.isOfStable })
        #expect(driver.machine.reason.text.contains("stable suffers as well"))
    }

    /// One word for Argo and Flagger: silence is never success.
    @Test func theVerdictInOneWord() throws {
        var driver = try Driver(try Make.plan())
        #expect(
            driver.machine.answer == RolloutAnswer.tooLittleData && driver.machine.secondsToPromote(rate: 1000) == nil)
        driver.tick(101)
        #expect(driver.machine.answer == .undecided)
        // 4,336 less the 500 that it has had, at 50 a second.
        #expect(driver.machine.secondsToPromote(rate: 1000) == 3836.0 / 50)
        var bad = driver
        bad.badErrors = 5
        bad.tick(50)
        #expect(bad.machine.answer == .rollback)
        try driver.command(.pause)
        #expect(driver.machine.answer == .undecided)
        driver = try Driver(try Make.plan())
        driver.tick(40_000)
        #expect(driver.machine.answer == .promote)
    }

    @Test func startIsRefusedWithItsReason() throws {
        let plan = try Make.plan()
        func refusal(_ change: (inout RolloutMachine.Start) -> Void) -> RolloutRefusal? {
            do throws(RolloutRefusal) {
                _ = try RolloutMachine(plan, Make.start(change))
                return nil
            } catch { return error }
        }
        #expect(refusal { _ in } == nil)
        #expect(refusal { $0.candidate = "1" } == .candidateIsStable)
        #expect(refusal { $0.isStableWarm = false } == .notWarm)
        #expect(refusal { $0.isSameContent = true } == .sameContent)
        #expect(refusal { $0.errorsBefore = 0.01 }?.status == 409)
        guard case .tooLittleTraffic(let text)? = refusal({ $0.rate = 1 }) else { throw Failure() }
        #expect(
            text
                == "step 1: can never decide: needs 4336 requests of the candidate, at 1 requests/s and 5% that is 1 days; max is 5 min"
        )
        let drill = try Make.plan("drill: true\n")
        #expect(throws: Never.self) { try RolloutMachine(drill, Make.start { $0.isSameContent = true }) }
    }
}
