import Inference
import Primitives
import Testing

@testable import Batching

@Suite struct InlineLaneTests {
    private func withRequests(_ count: Int, rows: Int = 1, _ body: (UnsafeMutablePointer<InferenceRequest>) -> Void) {
        let requests = UnsafeMutablePointer<InferenceRequest>.allocate(capacity: count)
        for index in 0..<count {
            (requests + index).initialize(to: InferenceRequest())
            requests[index].rowCount = rows
        }
        body(requests)
        requests.deinitialize(count: count)
        requests.deallocate()
    }

    @Test func ticketsComeBackInOrderWithTheirStatus() {
        withRequests(3) { requests in
            var lane = InlineLane(columns: 2, scoreType: .float32)
            for index in 0..<3 {
                let isFull = lane.append(requests + index, requests + index)
                #expect(!isFull)
            }
            #expect(lane.count == 3 && lane.rows == 3)
            lane.jobs[1].status = .nonFinite
            let tickets = lane.finish()
            #expect(Array(tickets) == (0..<3).map { UnsafeMutableRawPointer(requests + $0) })
            #expect(requests[0].status == .ok && requests[1].status == .nonFinite)
            #expect(lane.count == 0 && lane.rows == 0)
            #expect(requests[0].scores.count == 8 && requests[0].margins.count == 0)
        }
    }

    @Test func aBatchIsFullByRequestsOrByRows() {
        withRequests(InlineLane.requestLimit) { requests in
            var lane = InlineLane(columns: 1, scoreType: .float64)
            for index in 0..<InlineLane.requestLimit {
                let isFull = lane.append(requests + index, requests + index)
                #expect(isFull == (index == InlineLane.requestLimit - 1))
            }
        }
        withRequests(1, rows: 1000) { requests in
            var lane = InlineLane(columns: 1, scoreType: .float64)
            let isFull = lane.append(requests, requests)
            #expect(isFull)
            #expect(requests[0].scores.count == 8000)
        }
    }

    @Test func marginsGetRoomOnlyWhenTheyAreWished() {
        withRequests(1) { requests in
            requests[0].wishes[0] = OutputWish(.margin, binary: false)
            requests[0].wishCount = 1
            var lane = InlineLane(columns: 3, scoreType: .float64)
            _ = lane.append(requests, requests)
            #expect(requests[0].margins.count == 24 && lane.jobs[0].margins == requests[0].margins.pointer)
        }
    }
}
