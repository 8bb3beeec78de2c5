// A trigger under virtual time: cooldown, one event under way, retries, restarts.

import Foundation
import Testing

@testable import Monitoring

@Suite struct TriggerMachineTests {
    private static let second: Int64 = 1000
    private static let hour: Int64 = 3_600_000
    private static let nanosOfHour: UInt64 = 3_600_000_000_000

    private func machine(_ record: TriggerRecord = TriggerRecord()) -> TriggerMachine {
        TriggerMachine(cooldownNanos: 24 * Self.nanosOfHour, retryNanos: Self.nanosOfHour, record)
    }

    private func event(_ id: String) -> TriggerRecord.Event { .init(id: id, body: "{}", reason: "it drifted") }

    @Test func firesOnceUntilTheCooldownIsOver() {
        var trigger = machine()
        #expect(trigger.state(at: 0) == .quiet)
        trigger.fire(event("a"), at: 0)
        #expect(trigger.state(at: 0) == .pending && trigger.due(0) == event("a"))
        #expect(trigger.answer("a", .status(202), at: 500) == .delivered)
        #expect(trigger.state(at: 500) == .cooling && trigger.due(500) == nil)
        #expect(trigger.cooledAt(500) == 24 * Self.hour)
        #expect(trigger.state(at: 24 * Self.hour - 1) == .cooling)
        #expect(trigger.state(at: 24 * Self.hour) == .quiet)
        trigger.fire(event("b"), at: 24 * Self.hour)
        #expect(trigger.record.fired == 2 && trigger.record.delivered == 1)
    }

    /// A target that is down: 1 s, 2 s, 4 s … and never more than 5 minutes, until the retry time is over.
    @Test func aTargetThatIsDownIsTriedLessAndLessOften() {
        var trigger = machine()
        trigger.fire(event("a"), at: 0)
        var (now, moments): (Int64, [Int64]) = (0, [])
        while trigger.state(at: now) == .pending {
            if trigger.due(now) != nil {
                moments.append(now)
                let isLast = trigger.answer("a", .failed("connection refused"), at: now) == .givenUp
                #expect(isLast == (trigger.state(at: now) != .pending))
            }
            now += Self.second
        }
        let pauses = zip(moments.dropFirst(), moments).map { ($0 - $1) / Self.second }
        #expect(Array(pauses.prefix(9)) == [1, 2, 4, 8, 16, 32, 64, 128, 256])
        #expect(pauses.dropFirst(9).allSatisfy { $0 == 300 } && pauses.count > 12)
        #expect(moments.last.map { $0 < Self.hour } == true)
        #expect(trigger.record.givenUp == 1 && trigger.record.failedAttempts == UInt64(moments.count))
        #expect(trigger.record.failure == "connection refused")
        // Given up is no licence to fire again at once.
        #expect(trigger.state(at: now) == .cooling)
        #expect(trigger.state(at: 24 * Self.hour) == .quiet)
    }

    @Test func statusesOtherThanSuccessAreTriedAgain() {
        for status in [199, 301, 400, 404, 429, 500, 503] {
            var trigger = machine()
            trigger.fire(event("a"), at: 0)
            #expect(trigger.answer("a", .status(status), at: 0) == .failed)
            #expect(trigger.record.failure == "it answered \(status)" && trigger.due(999) == nil)
            #expect(trigger.due(1000) == event("a"))
            #expect(trigger.answer("a", .status(200), at: 1000) == .delivered)
            #expect(trigger.record.failure == nil)
        }
        var trigger = machine()
        trigger.fire(event("a"), at: 0)
        #expect(trigger.answer("a", .status(410), at: 0) == .givenUp, "gone means gone")
    }

    /// An answer that comes twice, or for another event, changes nothing.
    @Test func lateAnswersAreNoAnswers() {
        var trigger = machine()
        trigger.fire(event("a"), at: 0)
        #expect(trigger.answer("b", .status(200), at: 0) == nil)
        #expect(trigger.answer("a", .status(200), at: 0) == .delivered)
        #expect(trigger.answer("a", .failed("late"), at: 1) == nil)
        #expect(trigger.record.failure == nil && trigger.record.delivered == 1)
    }

    /// What was stored at the firing is sent after a restart, under the same id; nothing fires twice.
    @Test func aRestartFiresNothingTwice() throws {
        var before = machine()
        before.fire(event("a"), at: 0)
        _ = before.answer("a", .failed("down"), at: 0)
        let stored = try JSONEncoder().encode(before.record)
        var after = machine(try JSONDecoder().decode(TriggerRecord.self, from: stored))
        after.settle(5000)
        #expect(after == before)
        #expect(after.state(at: 5000) == .pending && after.due(5000) == event("a"))
        #expect(after.answer("a", .status(200), at: 5000) == .delivered)
        let delivered = machine(after.record)
        #expect(delivered.state(at: 6000) == .cooling && delivered.due(6000) == nil)
    }

    /// The clock was a year ahead when it fired, and is right now: a day's cooldown is not a year's.
    @Test func aClockThatIsSetBackCostsOneCooldown() {
        let year = 8760 * Self.hour
        var trigger = machine()
        trigger.fire(event("a"), at: year)
        _ = trigger.answer("a", .failed("down"), at: year)
        trigger.settle(1000)
        #expect(trigger.due(1000) == event("a"))
        #expect(trigger.answer("a", .status(200), at: 1000) == .delivered)
        #expect(trigger.state(at: 1000 + 24 * Self.hour) == .quiet)
    }
}
