// Whose turn it is, round by round, with real sockets and a clock that only work moves.

import CLinux
import Glibc
import Primitives
import Synchronization
import Testing

@testable import Reactor

/// What every reactor's clock shows.
private nonisolated(unsafe) var now: UInt64 = 1_000_000_000

/// A protocol that answers nothing: what comes costs time by its first byte, and is noted.
private final class Protocol {
    /// Turns of each connection, in the order they opened.
    var turns: [Int] = []
    /// How many turns a read is worth beyond its own.
    var turnsPerRead = 0
    var behind: [Int] = []
    /// Connections are at their end.
    var isDone = false

    static let greedy = UInt8(ascii: "g")
    static let greedyNanos: UInt64 = 600_000
    static let modestNanos: UInt64 = 10_000

    static func from(_ context: UnsafeMutableRawPointer) -> Protocol {
        Unmanaged<Protocol>.fromOpaque(context).takeUnretainedValue()
    }

    /// A connection's handle is its number, plus one.
    static func index(_ connection: UnsafeMutableRawPointer) -> Int { Int(bitPattern: connection) - 1 }

    func opened() -> UnsafeMutableRawPointer {
        turns.append(0)
        behind.append(0)
        return UnsafeMutableRawPointer(bitPattern: turns.count).unsafelyUnwrapped
    }

    func received(_ index: Int, _ first: UInt8) {
        turns[index] += 1
        behind[index] = turnsPerRead
        now += first == Self.greedy ? Self.greedyNanos : Self.modestNanos
    }

    func resumed(_ index: Int) {
        turns[index] += 1
        behind[index] -= 1
        now += Self.greedyNanos
    }

    var handler: ReactorHandler {
        ReactorHandler(
            context: Unmanaged.passUnretained(self).toOpaque(),
            opened: { context, _, _, _ in Protocol.from(context).opened() },
            received: { context, connection, bytes, count in
                guard count > 0 else { return }
                Protocol.from(context).received(Protocol.index(connection), bytes.load(as: UInt8.self))
            },
            roundEnded: { _ in },
            produce: { _, _, _, _ in 0 },
            wantsInput: { context, connection in Protocol.from(context).behind[Protocol.index(connection)] == 0 },
            isBehind: { context, connection in Protocol.from(context).behind[Protocol.index(connection)] > 0 },
            resume: { context, connection in Protocol.from(context).resumed(Protocol.index(connection)) },
            isFinished: { context, _ in Protocol.from(context).isDone },
            deadline: { _, _ in .max >> 1 },
            expired: { _, _ in },
            drain: { _, _ in },
            closed: { _, _ in })
    }
}

@Suite(.serialized) struct TurnTests {
    private let upper = Protocol()
    private let reactor: Reactor
    private var peers: [Int32] = []

    /// A reactor with so many connections, whose other ends are `peers`.
    private init(connections: Int) throws {
        // The timer wheel begins at the real time.
        now = max(now, clinux_now())
        let listener = try Listener(address: "127.0.0.1", port: 0, sharing: false)
        reactor = Reactor(
            listeners: [listener], handler: upper.handler, connections: [ConnectionCount(limit: 1000)])
        reactor.clock = { now }
        for _ in 0..<connections {
            var pair: (Int32, Int32) = (0, 0)
            let made = withUnsafeMutableBytes(of: &pair) { bytes in
                socketpair(
                    AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0,
                    bytes.baseAddress?.assumingMemoryBound(to: Int32.self))
            }
            #expect(made == 0)
            peers.append(pair.0)
            reactor.adopt(pair.1, from: 0, PeerAddress())
        }
        _ = round()
    }

    init() throws { try self.init(connections: 11) }

    private func end() {
        reactor.stop()
        reactor.run()
        for peer in peers { close(peer) }
    }

    /// One round; how many turns each connection had in it.
    private func round() -> [Int] {
        let before = upper.turns
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Reactor.eventsPerRound) { events in
            _ = reactor.round(events.baseAddress.unsafelyUnwrapped, sleepNanos: 0)
        }
        return zip(upper.turns, before).map { $0 - $1 }
    }

    private func say(_ byte: UInt8, _ index: Int) {
        var byte = byte
        #expect(send(peers[index], &byte, 1, Int32(MSG_NOSIGNAL)) == 1)
    }

    /// Ten that always have more to say, each worth 0.6 ms, and one that asks little: it is served in every round, and a
    /// round does not grow with their number.
    @Test func whoAsksLittleIsServedInEveryRound() {
        var total = [Int](repeating: 0, count: 11)
        for number in 0..<60 {
            for index in 0..<10 { say(Protocol.greedy, index) }
            say(0, 10)
            let beganAt = now
            let turns = round()
            #expect(turns[10] == 1)
            if number > 0 { #expect(now - beganAt <= 2 * (1_000_000 + Protocol.greedyNanos) + Protocol.modestNanos) }
            total = zip(total, turns).map(+)
        }
        // Four a round: each of the greedy has had its part.
        let greedy = total[..<10]
        #expect(greedy.reduce(0, +) >= 3 * 60)
        #expect(greedy.allSatisfy { $0 >= 60 * 3 / 10 - 8 }, "\(greedy)")
        end()
    }

    /// Nobody waits while there is nobody to wait for.
    @Test func aShortRoundServesEverybody() {
        for _ in 0..<10 {
            say(Protocol.greedy, 0)
            say(0, 1)
            #expect(round().prefix(2) == [1, 1])
            #expect(reactor.waiting.count == 0)
        }
        end()
    }

    /// What a turn has left of a read is gone on with, a turn a round, without a word from the socket.
    @Test func whatIsLeftOfAReadIsGoneOnWith() {
        upper.turnsPerRead = 3
        say(0, 0)
        say(0, 0)
        for _ in 0..<4 { #expect(round()[0] == 1) }
        #expect(reactor.sleepNanos() > 0 && upper.behind[0] == 0)
        end()
    }

    @Test func aConnectionThatWaitsCanEnd() {
        upper.turnsPerRead = 100
        for index in 0..<10 { say(0, index) }
        _ = round()
        #expect(reactor.waiting.count == 10 && reactor.sleepNanos() == 0)
        end()
        #expect(reactor.waiting.count == 0)
    }

    /// A timer that fires closes its channel, which takes timers out of the wheel: the wheel was changed while it was
    /// being changed.
    @Test func aTimerMayEndConnections() {
        upper.isDone = true
        for index in 0..<10 { say(0, index) }
        _ = round()
        #expect(reactor.openCount.load(ordering: .relaxed) == 11)
        now += 2_000_000_000
        _ = round()
        #expect(reactor.openCount.load(ordering: .relaxed) == 1)
        end()
    }
}
