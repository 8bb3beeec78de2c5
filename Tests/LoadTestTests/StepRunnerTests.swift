import Glibc
import Synchronization
import Testing

@testable import LoadTest

@Suite struct StepRunnerTests {
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    static func steps(_ moments: [Double]) -> [AdminStep] {
        moments.map { AdminStep(seconds: $0, action: .rollback(model: "fraud")) }
    }

    /// Regression: a run waited for ever for an admin plane that did not answer.
    @Test func aSilentStepIsGivenUp() throws {
        let runner = StepRunner(Self.steps([0, 0.01]), start: Self.now, patience: 100_000_000) { _ in
            usleep(1_000_000)
            return nil
        }
        runner.begin()
        usleep(50_000)
        let began = Self.now
        let marks = runner.end()
        #expect(Self.now - began < 800_000_000)
        try #require(marks.count == 2)
        #expect(marks[0].problem?.hasPrefix("has not ended") == true)
        #expect(marks[1].problem?.hasPrefix("was not made") == true)
    }

    /// A step that an earlier one held up until long after the load is not made, and that is told.
    @Test func aStepAfterTheLoadIsNotMade() throws {
        let runner = StepRunner(Self.steps([0, 0.01]), start: Self.now) { _ in
            usleep(1_300_000)
            return nil
        }
        runner.begin()
        usleep(50_000)
        let marks = runner.end()
        try #require(marks.count == 2)
        #expect(marks[0].problem == nil && marks[1].problem?.hasPrefix("was not made") == true)
    }

    @Test func nothingIsMadeAfterAnInterruption() {
        let stopped = Stopped()
        let runner = StepRunner(
            Self.steps([0, 0.3]), start: Self.now, isStopped: { stopped.flag.load(ordering: .relaxed) },
            act: { _ in nil })
        runner.begin()
        usleep(100_000)
        stopped.flag.store(true, ordering: .relaxed)
        #expect(runner.end().map(\.problem) == [nil])
    }

    final class Stopped: Sendable {
        let flag = Atomic(false)
    }
}
