// A restart at any tick: what continues is the same to the last bit, and never at a higher weight than acknowledged.

import Testing

@testable import Rollout

@Suite struct RestartTests {
    /// Restarted at random, a rollout goes the same way as one that is not.
    @Test(arguments: 0..<8)
    func restartsChangeNothing(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        var (calm, shaken) = (
            try Driver(try RolloutMachineTests.planWithEverything()),
            try Driver(try RolloutMachineTests.planWithEverything())
        )
        let failsAt = seed % 2 == 0 ? Int.max : 1200 + dice.below(300)
        for tick in 0..<2500 {
            let errors: UInt32 = tick > failsAt ? UInt32(1 + tick % 2) : 0
            (calm.badErrors, shaken.badErrors) = (errors, errors)
            calm.tick()
            shaken.tick()
            if dice.chance(0.02) { try shaken.restart() }
            if calm.state == .gate { try calm.command(.promote) }
            if shaken.state == .gate { try shaken.command(.promote) }
            #expect(calm.machine.evaluator == shaken.machine.evaluator)
        }
        #expect(calm.machine.state == shaken.machine.state && calm.machine.state.isFinal)
        #expect(calm.records == shaken.records)
    }

    /// Killed in every state, 20 random times each.
    @Test(arguments: RolloutState.allCases.filter { !$0.isFinal })
    func killedInEveryState(state: RolloutState) throws {
        for attempt in 0..<20 as Range<UInt64> {
            var dice = Dice(seed: attempt)
            var driver = try Driver(try RolloutMachineTests.planWithEverything())
            try RolloutMachineTests.lead(&driver, to: state)
            let before = driver.machine
            driver.acknowledges = dice.chance(0.5)
            try driver.restart()
            // A raise that is asked for again and acknowledged is the only way up.
            let isRaised = state == .raising && driver.acknowledges
            #expect(driver.machine.percent == before.percent || isRaised)
            #expect(driver.machine.state == state || isRaised || state == .beforeStep || state == .afterStep)
            #expect(driver.machine.evaluator.totals == before.evaluator.totals)
            driver.acknowledges = true
            driver.badErrors = 50
            driver.stableLate = 100
            driver.tick(100)
            #expect(driver.state == .rolledBack && driver.published.last == 0)
        }
    }

    @Test func aRecordedRollbackIsCarriedOutAgain() throws {
        var driver = try Driver(try Make.plan())
        driver.tick(20)
        driver.badErrors = 5
        driver.tick(50)
        var restored = try RolloutMachine(driver.machine.plan, restoring: driver.machine.snapshot())
        #expect(restored == driver.machine)
        #expect(restored.resumeAfterRestart() == [.lower(percent: 0, epoch: restored.epoch)])
    }

    /// No byte of a snapshot can be changed, added or left out without being noticed, and none makes the reader trap.
    @Test func damagedSnapshotsAreErrors() throws {
        var driver = try Driver(try Make.plan())
        driver.tick(30)
        let bytes = driver.machine.snapshot()
        var dice = Dice(seed: 5)
        for _ in 0..<200 {
            var damaged = bytes
            damaged[dice.below(bytes.count)] ^= UInt8(1 << dice.below(8))
            #expect(throws: SnapshotError.self) { try RolloutMachine(driver.machine.plan, restoring: damaged) }
        }
        for count in [0, 1, 19, 20, bytes.count - 1] {
            #expect(throws: SnapshotError.self) {
                try RolloutMachine(driver.machine.plan, restoring: Array(bytes.prefix(count)))
            }
        }
        // Resealed nonsense: an error or a machine, never a trap.
        for _ in 0..<300 {
            var body = Array(bytes.dropLast(8))
            for _ in 0..<3 { body[4 + dice.below(body.count - 4)] = UInt8(truncatingIfNeeded: dice.next()) }
            let sum = SnapshotReader.checksum(body[...])
            withUnsafeBytes(of: sum.littleEndian) { body.append(contentsOf: $0) }
            _ = try? RolloutMachine(driver.machine.plan, restoring: body)
        }
    }
}
