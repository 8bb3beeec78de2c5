// Health's Watch: the status of a service now, and again whenever it changes.
//
//     Watch ─► HealthWatchers ─ every 100 ms of rounds: changed? ─► one more message
//                             └ the connection drains ─► UNAVAILABLE, so that the client goes elsewhere
//
// A reactor goes round at least every 500 ms, so a change is told within that.

import GRPC
import HTTP
import Inference
import Telemetry

/// The open watches of one plane.
struct HealthWatchers {
    struct Watcher {
        var stream: UnsafeMutablePointer<HTTPStream>
        var service: String
        /// What the client was told last.
        var status: ServingStatus
    }

    /// Open watches of one plane: each costs a look-up every 100 ms.
    var limit = 1024
    static let intervalNanos: UInt64 = 100_000_000

    var list: [Watcher] = []
    var checkedAt: UInt64 = 0

    var isEmpty: Bool { list.isEmpty }

    mutating func remove(_ stream: UnsafeMutablePointer<HTTPStream>) { list.removeAll { $0.stream == stream } }
}

extension DataPlane {
    /// Opens a watch.
    func watch(_ stream: Stream, _ message: UnsafeRawBufferPointer) throws(GRPCStatus) {
        let service = try NamedRequest(message).name
        if watchers.list.count >= watchers.limit {
            shard.add(metrics.overWatches)
            throw GRPCStatus(.resourceExhausted, "there are \(watchers.limit) watches already")
        }
        let status = status(of: service)
        shard.add(metrics.calls[.healthWatch, .ok])
        watchers.list.append(HealthWatchers.Watcher(stream: stream, service: service, status: status))
        append(status.response, to: stream)
    }

    /// Tells what has changed.
    func updateWatchers() {
        guard engine.now &- watchers.checkedAt >= HealthWatchers.intervalNanos else { return }
        watchers.checkedAt = engine.now
        for index in watchers.list.indices.reversed() {
            let stream = watchers.list[index].stream
            if stream.pointee.isDraining {
                watchers.list.remove(at: index)
                engine.endCall(stream, GRPCStatus(.unavailable, "the server is draining"))
                continue
            }
            let status = status(of: watchers.list[index].service)
            if status == watchers.list[index].status { continue }
            watchers.list[index].status = status
            append(status.response, to: stream)
        }
    }
}
