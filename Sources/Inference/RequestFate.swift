// Whether anybody still waits for a request: one word that the reactor and whoever runs the job share.
//
//     waiting ──claim──► running             the lane's: it will be scored
//        ├──abandon(.cancelled)              the reactor's: the client is gone
//        └──abandon(.expired)                the reactor's: answered, or to be answered, that it is too late
//
// The word is left `waiting` exactly once, so a job that was abandoned is never scored, and one that is being
// scored is not taken from under it: its result is dropped. A lane on the reactor's own thread needs no claim, it
// looks at `isAbandoned`; a thread of an executor claims, one compare-and-swap a request.

internal import Synchronization

public struct RequestFate: ~Copyable {
    enum State: UInt8 { case waiting, running, cancelled, expired }

    /// Why nobody waits any more.
    public enum Reason: UInt8, Sendable, CaseIterable {
        case cancelled, expired
    }

    /// Written by the reactor (`abandon`, `renew`) and by who runs the job (`claim`). Both moves start at `waiting` and
    /// are one compare-and-swap: one of the two wins, and acquires what the other wrote before. `renew` happens when
    /// the lane has given the request back, so nobody else looks.
    private let word = Atomic<UInt8>(State.waiting.rawValue)

    public init() {}

    /// The runner's: true: score it; false: nobody waits.
    public func claim() -> Bool { leave(to: .running) }

    /// The reactor's: true: it will not be scored; false: it is being scored, or was abandoned before.
    @discardableResult
    public func abandon(_ reason: Reason) -> Bool { leave(to: reason == .cancelled ? .cancelled : .expired) }

    private func leave(to state: State) -> Bool {
        word.compareExchange(
            expected: State.waiting.rawValue, desired: state.rawValue, ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// Why nobody waits; nil: it waits or runs.
    public var abandoned: Reason? {
        switch word.load(ordering: .acquiring) {
        case State.cancelled.rawValue: .cancelled
        case State.expired.rawValue: .expired
        default: nil
        }
    }

    /// Waiting again, for the slot's next request.
    public func renew() { word.store(State.waiting.rawValue, ordering: .relaxed) }
}
