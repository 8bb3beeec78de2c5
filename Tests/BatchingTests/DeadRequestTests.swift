import Inference
import Primitives
import Testing

@testable import Batching

@Suite struct DeadRequestTests {
    private func withRequests(_ count: Int, _ body: (UnsafeMutablePointer<InferenceRequest>) -> Void) {
        let requests = UnsafeMutablePointer<InferenceRequest>.allocate(capacity: count)
        for index in 0..<count {
            (requests + index).initialize(to: InferenceRequest())
            requests[index].rowCount = 2
        }
        body(requests)
        requests.deinitialize(count: count)
        requests.deallocate()
    }

    private func offsets(
        _ tickets: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>, _ base: UnsafeMutablePointer<InferenceRequest>
    ) -> [Int] {
        tickets.map { $0.assumingMemoryBound(to: InferenceRequest.self) - base }
    }

    @Test func abandonedAndLateRequestsAreTakenOut() {
        withRequests(6) { requests in
            var lane = InlineLane(columns: 1, scoreType: .float32, rowNanos: 100)
            requests[1].deadline = 1_000
            requests[4].deadline = 5_000
            for index in 0..<6 { _ = lane.append(requests + index, requests + index) }
            #expect(lane.dropDead(at: 800).isEmpty)  // two rows of 100 ns: 800 is the last moment
            #expect(lane.count == 6)
            requests[3].fate.abandon(.cancelled)
            lane.noteAbandoned()
            #expect(offsets(lane.dropDead(at: 801), requests) == [1, 3])
            #expect(requests[1].fate.abandoned == .expired && requests[3].fate.abandoned == .cancelled)
            #expect(lane.count == 4 && lane.rows == 8)
            #expect(lane.jobs.map(\.scores) == [0, 2, 4, 5].map { requests[$0].scores.pointer })
            #expect(offsets(lane.dropDead(at: 4_801), requests) == [4])
            #expect(offsets(lane.finish(), requests) == [0, 2, 5])
            #expect(lane.dropDead(at: .max).isEmpty)
        }
    }

    @Test func aLaneOfOnlyDeadRequestsIsEmpty() {
        withRequests(3) { requests in
            var lane = InlineLane(columns: 1, scoreType: .float32)
            for index in 0..<3 {
                requests[index].deadline = 10
                _ = lane.append(requests + index, requests + index)
            }
            #expect(lane.dropDead(at: 11).count == 3)
            #expect(lane.count == 0 && lane.rows == 0 && lane.jobs.isEmpty)
            requests[0].deadline = .max
            requests[0].fate.renew()
            _ = lane.append(requests, requests)
            #expect(lane.dropDead(at: .max).isEmpty && lane.count == 1)
        }
    }

    @Test func aDeadlineBelowTheCostIsLateAtOnce() {
        withRequests(1) { requests in
            var lane = InlineLane(columns: 1, scoreType: .float32, rowNanos: 1_000)
            requests[0].deadline = 500
            _ = lane.append(requests, requests)
            #expect(lane.dropDead(at: 1).count == 1)
        }
    }
}
