// An engine without sockets, with an echo above it: what comes in is recorded and sent back.

import COpenSSL
import Primitives
import Telemetry

@testable import TLS

/// What the protocol above saw of one connection.
final class Seen {
    var protocolName = TLSHandler.ApplicationProtocol.http1
    var identity = ""
    var hasCertificate = false
    var isDraining = false
    var input: [UInt8] = []
    var output: [UInt8] = []
    var pieces = 0
    var hasEnded = false
    var isClosed = false
    var isFinished = false
    var echoes = true
}

final class TLSHarness {
    let published: Published<TLSContext>
    let registry: MetricsRegistry
    private(set) var engine: TLSEngine!
    private(set) var seen: [Seen] = []
    /// Connections that were given up unasked.
    private(set) var endedCount = 0

    convenience init(_ settings: TLSSettings) throws { try self.init(Published(TLSContext(settings))) }

    init(_ published: Published<TLSContext>) throws {
        self.published = published
        registry = MetricsRegistry(shards: 1)
        let metrics = try TLSMetrics(registry)
        engine = TLSEngine(
            published, handler: Self.handler(Unmanaged.passUnretained(self).toOpaque()), metrics: metrics,
            shard: registry.shard(0))
        engine.now = 1_000_000_000
    }

    func open() -> UnsafeMutableRawPointer {
        engine.open(owner: Unmanaged.passUnretained(self).toOpaque(), isRefusing: false)
    }

    func count(_ outcome: String, _ reason: String) -> Int {
        count(#"serin_tls_handshakes_total{outcome="\#(outcome)",reason="\#(reason)"} "#)
    }

    func breaches(_ reason: String) -> Int { count(#"serin_tls_breaches_total{reason="\#(reason)"} "#) }

    private func count(_ series: String) -> Int {
        let text = String(decoding: registry.render(), as: UTF8.self)
        return text.split(separator: "\n").first { $0.hasPrefix(series) }.flatMap { Int($0.dropFirst(series.count)) }
            ?? -1
    }

    // MARK: Bytes

    /// Feeds ciphertext in pieces of `piece` bytes.
    func feed(_ connection: UnsafeMutableRawPointer, _ bytes: [UInt8], piece: Int = 1 << 16) {
        var start = 0
        while start < bytes.count {
            let end = min(start + piece, bytes.count)
            Array(bytes[start..<end]).withUnsafeBytes { engine.receive(connection, $0.baseAddress!, $0.count) }
            start = end
        }
    }

    func feedEnd(_ connection: UnsafeMutableRawPointer) {
        var nothing: UInt8 = 0
        engine.receive(connection, &nothing, 0)
    }

    /// All ciphertext that is ready.
    func output(_ connection: UnsafeMutableRawPointer, room: Int = 1 << 16) -> [UInt8] {
        var result: [UInt8] = []
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            let count = engine.produce(connection, into: buffer, room: room)
            if count == 0 { return result }
            result.append(contentsOf: UnsafeRawBufferPointer(start: buffer, count: count))
        }
    }

    /// Moves bytes both ways until nobody has any.
    func pump(_ client: TestClient, _ connection: UnsafeMutableRawPointer, piece: Int = 1 << 16) {
        client.advance()
        for _ in 0..<100 {
            let up = client.takeOutput()
            feed(connection, up, piece: piece)
            let down = output(connection)
            if up.isEmpty && down.isEmpty { return }
            client.give(down)
            client.advance()
        }
    }

    /// A client's handshake with a connection of its own.
    func connect(_ client: TestClient, piece: Int = 1 << 16) -> UnsafeMutableRawPointer {
        let connection = open()
        pump(client, connection, piece: piece)
        engine.roundEnded()
        return connection
    }

    // MARK: Above

    private static func handler(_ context: UnsafeMutableRawPointer) -> TLSHandler {
        TLSHandler(
            context: context,
            opened: { context, opening in
                let opening = opening.load(as: TLSHandler.Opening.self)
                let seen = Seen()
                seen.protocolName = opening.applicationProtocol
                seen.isDraining = opening.isDraining
                let peer = opening.peer.assumingMemoryBound(to: PeerIdentity.self)
                seen.identity = String(decoding: peer.pointee.first, as: UTF8.self)
                seen.hasCertificate = peer.pointee.hasCertificate
                Unmanaged<TLSHarness>.fromOpaque(context).takeUnretainedValue().seen.append(seen)
                return Unmanaged.passRetained(seen).toOpaque()
            },
            received: { _, connection, bytes, count in
                let seen = TLSHarness.seen(connection)
                seen.pieces += 1
                if count == 0 { seen.hasEnded = true }
                seen.input.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
                if seen.echoes { seen.output.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count)) }
            },
            produce: { _, connection, into, room in
                let seen = TLSHarness.seen(connection)
                let count = min(room, seen.output.count)
                into.copyMemory(from: seen.output, byteCount: count)
                seen.output.removeFirst(count)
                return count
            },
            wantsInput: { _, _ in true },
            isBehind: { _, _ in false },
            resume: { _, _ in },
            isFinished: { _, connection in
                let seen = TLSHarness.seen(connection)
                return seen.isFinished || (seen.hasEnded && seen.output.isEmpty)
            },
            deadline: { _, _ in 77 },
            expired: { _, connection in TLSHarness.seen(connection).isFinished = true },
            drain: { _, connection in TLSHarness.seen(connection).isDraining = true },
            closed: { _, connection in
                TLSHarness.seen(connection).isClosed = true
                Unmanaged<Seen>.fromOpaque(connection).release()
            },
            ended: { context, _ in Unmanaged<TLSHarness>.fromOpaque(context).takeUnretainedValue().endedCount += 1 })
    }

    private static func seen(_ connection: UnsafeMutableRawPointer) -> Seen {
        Unmanaged<Seen>.fromOpaque(connection).takeUnretainedValue()
    }
}
