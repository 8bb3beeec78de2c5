// One line of the access log before it is text: what was asked, by whom, and how it was answered.
//
//     record, 512 bytes: [ head 96 | trace parent 55 or 0 | client's name ≤ 128 | target, as much as fits ]
//
// The reactor copies bytes into the ring and goes on; time, addresses and JSON are the log's thread's business. A record
// costs the copy of some hundred bytes, and only when the request is one of those that are logged.

public import Primitives
public import Telemetry

/// The fixed part of a record; the texts lie behind it.
public struct HTTPAccessHead {
    /// When the answer was ready, in nanoseconds of the reactor's clock.
    public internal(set) var at: UInt64 = 0
    /// From the request's first bytes to its answer.
    public internal(set) var nanos: UInt64 = 0
    public internal(set) var requestBytes: Int = 0
    public internal(set) var responseBytes: Int = 0
    public internal(set) var address = PeerAddress()
    /// 499: the client was gone before it was answered.
    public internal(set) var status: Int32 = 0
    public internal(set) var method = HTTPMethod.other
    public internal(set) var isHTTP2 = false
    public internal(set) var isSecure = false
    public internal(set) var traceCount: UInt8 = 0
    public internal(set) var nameCount: UInt16 = 0
    public internal(set) var targetCount: UInt16 = 0

    public static let recordBytes = 512
    static let nameBytesMax = 128

    /// Bytes before the texts.
    public static var byteCount: Int { MemoryLayout<HTTPAccessHead>.stride }
}

/// Which requests of one reactor are logged, and into which ring.
public struct HTTPAccessLog {
    public enum Choice: Sendable {
        /// Answers of 400 and above.
        case errors
        /// One of so many.
        case sample(Int)
    }

    private let ring: Unmanaged<RecordRing>
    private let dropped: CounterID
    private let shard: MetricsShard
    /// One of so many is logged; 0: errors only.
    private let share: UInt64
    private var seen: UInt64

    /// Whoever makes it keeps the ring alive. `dropped` counts records for which there was no place.
    public init(_ choice: Choice, ring: RecordRing, dropped: CounterID, shard: MetricsShard) {
        self.ring = .passUnretained(ring)
        self.dropped = dropped
        self.shard = shard
        switch choice {
        case .errors: share = 0
        case .sample(let count): share = UInt64(count)
        }
        seen = .random(in: 0...UInt64(UInt32.max))
    }

    /// Whether this answer is one to log.
    @inline(__always)
    mutating func wants(_ status: Int) -> Bool {
        if share == 0 { return status >= 400 }
        seen &+= 1
        return share == 1 || mixed(seen) % share == 0
    }

    /// Copies a stream's facts into the ring.
    func record(_ stream: UnsafeMutablePointer<HTTPStream>, _ status: Int, _ now: UInt64) {
        let place = ring._withUnsafeGuaranteedRef { $0.next() }
        guard let place else { return shard.add(dropped) }
        let connection = stream.pointee.connection
        var head = HTTPAccessHead()
        head.at = now
        head.nanos = now &- stream.pointee.startedAt
        head.requestBytes = stream.pointee.body.count
        head.responseBytes = stream.pointee.responseBody.count
        head.address = connection.pointee.address
        head.status = Int32(truncatingIfNeeded: status)
        head.method = stream.pointee.method
        head.isHTTP2 = connection.pointee.version == .http2
        head.isSecure = connection.pointee.peer != nil
        var texts = AccessTexts(place: place)
        head.traceCount = UInt8(stream.pointee.trace.withBytes { $0.map { texts.append($0) } ?? 0 })
        if let peer = connection.pointee.peer {
            head.nameCount = UInt16(texts.append(peer.pointee.first, atMost: HTTPAccessHead.nameBytesMax))
        }
        head.targetCount = UInt16(texts.append(stream.pointee.target))
        place.storeBytes(of: head, as: HTTPAccessHead.self)
        ring._withUnsafeGuaranteedRef { $0.publish() }
    }
}

/// The texts of a record, one behind the other.
private struct AccessTexts {
    let place: UnsafeMutableRawPointer
    var end = HTTPAccessHead.byteCount

    init(place: UnsafeMutableRawPointer) { self.place = place }

    /// Appends what fits; returns how much that is.
    mutating func append(_ bytes: UnsafeRawBufferPointer, atMost limit: Int = .max) -> Int {
        let count = min(bytes.count, limit, HTTPAccessHead.recordBytes - end)
        guard count > 0, let base = bytes.baseAddress else { return 0 }
        (place + end).copyMemory(from: base, byteCount: count)
        end += count
        return count
    }
}
