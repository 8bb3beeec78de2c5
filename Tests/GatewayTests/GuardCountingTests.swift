// What the guard counts of a request, whatever becomes of it: by the data plane itself, with time by hand.

import Configuration
import Primitives
import Rollout
import Testing

@testable import Gateway

@Suite(.serialized) struct GuardCountingTests {
    private static let row =
        "129.5,2.25,4,0,2,1,0,0,812.5,402.5,0.25,1,1,0,0,2,9,30,0,48.5,362.25,1554,2.5,360,0,350,348,58,7,1,2,0.125"

    private static func request(_ path: String = "/v2/models/fraud/infer", data: String = row) -> String {
        let body = #"{"inputs":[{"name":"features","shape":[1,32],"datatype":"FP32","data":[\#(data)]}]}"#
        return "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body
    }

    /// A plane whose stable version is watched beside version 2. `timeout`: by hand's clock; but a version that was measured
    /// slower than that, on a busy machine under a sanitizer, is refused before it is tried.
    private func guarded(timeout: String = "20ms") throws -> (PlaneHarness, GuardCounters) {
        let harness = try PlaneHarness(timeout: "{default: \(timeout), max: 1s}")
        let counters = GuardCounters(
            GuardCounterShape(
                budgetNanos: 5_000_000, deadlineNanos: 1_000_000_000, scoreEdges: (1...15).map { Double($0) / 16 },
                isSticky: false), shards: 1, startTick: 0)
        counters.announce(epoch: 3, share: 0.05, thresholds: SIMD4(repeating: .max))
        let publication = harness.plane.publication.takeUnretainedValue()
        let old = publication.load().value
        let models = old.models.map { model in
            var model = model
            model.guarded = GuardedRoute(counters: counters, epoch: 3, stable: "1", canary: "2")
            return model
        }
        publication.publish(Snapshot(versions: old.versions, models: models, fieldNames: old.fieldNames))
        return (harness, counters)
    }

    private func totals(_ counters: GuardCounters) -> (stable: ArmCounts, canary: ArmCounts) {
        var totals = (stable: ArmCounts(), canary: ArmCounts())
        for cohort in counters.collect(tick: 40).final {
            #expect(cohort.first.epoch == 3 && cohort.first.share == 0.05 && cohort.second == nil)
            totals.stable += cohort.first.stable
            totals.canary += cohort.first.canary
        }
        return totals
    }

    @Test func everyEndIsCountedOnce() throws {
        let (harness, counters) = try guarded()
        // In time.
        harness.feed(Self.request())
        harness.advance(millis: 1)
        harness.runLanes()
        // Above the budget.
        harness.feed(Self.request())
        harness.runLanes(until: 9)
        // Beyond the deadline.
        harness.feed(Self.request())
        harness.advance(millis: 40)
        harness.runLanes()
        #expect(harness.statuses() == [200, 200, 504])
        // Gone in time: nothing is known against the model.
        harness.feed(Self.request())
        #expect(counters.unsettled == 1)
        harness.close()
        #expect(counters.unsettled == 0)
        harness.runLanes()
        let (stable, canary) = totals(counters)
        #expect(stable.requests == 4 && stable.late == 2 && stable.errors == 0)
        #expect(stable.scores.wrappedSum() == 2 && canary == ArmCounts())
    }

    @Test func whatNoShareHasDrawnIsLeftOut() throws {
        let (harness, counters) = try guarded(timeout: "none")
        // The last is a client's mistake.
        for text in [
            Self.request("/v2/models/fraud/versions/1/infer"), Self.request("/v2/models/fraud/versions/2/infer"),
            Self.request(data: "\"text\""),
        ] {
            harness.feed(text)
            harness.runLanes()
        }
        #expect(harness.statuses().filter { $0 == 200 }.count == 2)
        let (stable, canary) = totals(counters)
        #expect(stable == ArmCounts() && canary == ArmCounts() && counters.unsettled == 0)
        harness.close()
    }

    @Test func aRouteThatLeavesLeavesNothingBehind() throws {
        let (harness, counters) = try guarded()
        harness.feed(Self.request())
        let publication = harness.plane.publication.takeUnretainedValue()
        let old = publication.load().value
        let models = old.models.map { model in
            var model = model
            model.guarded = nil
            return model
        }
        publication.publish(Snapshot(versions: old.versions, models: models, fieldNames: old.fieldNames))
        // The request before is counted when it ends, the next one is not.
        #expect(counters.unsettled == 1)
        harness.runLanes()
        harness.feed(Self.request())
        harness.runLanes()
        #expect(harness.statuses() == [200, 200] && counters.unsettled == 0)
        #expect(totals(counters).stable.requests == 1)
        harness.close()
    }
}
