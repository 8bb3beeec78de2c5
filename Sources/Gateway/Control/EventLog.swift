// What happens, for those who watch: the last 1,024 events, numbered.

import Synchronization

final class EventLog: Sendable {
    struct Event: Sendable {
        var number: UInt64
        /// `route`, `load`, `unload`, `degraded`, …
        var kind: String
        /// One line of JSON.
        var data: String
    }

    static let limit = 1024
    private struct Ring {
        var events: [Event] = []
        var next: UInt64 = 1
    }

    private let ring = Mutex(Ring())

    func append(_ kind: String, _ data: String) {
        ring.withLock { ring in
            if ring.events.count == Self.limit { ring.events.removeFirst(Self.limit / 4) }
            ring.events.append(Event(number: ring.next, kind: kind, data: data))
            ring.next += 1
        }
    }

    /// Those after a number, the oldest first.
    func after(_ number: UInt64) -> [Event] { ring.withLock { $0.events.filter { $0.number > number } } }

    /// The number of the newest; 0: there is none.
    var last: UInt64 { ring.withLock { $0.next - 1 } }
}
