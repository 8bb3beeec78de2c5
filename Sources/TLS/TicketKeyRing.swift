// The keys that seal session tickets: one for all reactors, so that a client resumes wherever it lands.
//
//     age   0 ──────── period ──────── 2 × period
//           seals, opens      opens only           forgotten
//
// A key is made when a ticket is to be sealed and the newest is too old; nothing runs in between. A ticket
// lives one period at most, so the key that sealed it opens it to its end. Stolen memory tells at most two
// periods of tickets. The lock is held for a copy of 80 bytes, at handshakes only.

import COpenSSL
import Synchronization

/// The three secrets of one ticket key (RFC 5077, 4).
struct TicketKey: Sendable {
    static let nameBytes = 16
    static let secretBytes = 32

    /// name, cipher key, MAC key
    let bytes: InlineArray<80, UInt8>
    let bornAt: UInt64

    init?(at now: UInt64) {
        var bytes = InlineArray<80, UInt8>(repeating: 0)
        let isRandom = withUnsafeMutableBytes(of: &bytes) { buffer in
            RAND_priv_bytes(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(buffer.count)) == 1
        }
        guard isRandom else { return nil }
        self.bytes = bytes
        bornAt = now
    }

    func withPointers<Result>(
        _ body: (_ name: UnsafeRawPointer, _ key: UnsafePointer<UInt8>, _ mac: UnsafePointer<UInt8>) -> Result
    ) -> Result {
        withUnsafeBytes(of: bytes) { buffer in
            // SAFETY: the array holds the three parts one behind the other, and is never empty.
            let base = buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
            return body(base, base + Self.nameBytes, base + Self.nameBytes + Self.secretBytes)
        }
    }
}

final class TicketKeyRing: Sendable {
    let periodNanos: UInt64
    /// Newest first.
    private let keys = Mutex<[TicketKey]>([])

    init(periodNanos: UInt64) { self.periodNanos = periodNanos }

    /// The key that seals at `now`; nil: the system gives no random bytes, and no ticket is sealed.
    func sealing(at now: UInt64) -> TicketKey? {
        keys.withLock { keys in
            if let newest = keys.first, now &- newest.bornAt < periodNanos { return newest }
            guard let key = TicketKey(at: now) else { return nil }
            keys.removeAll { now &- $0.bornAt >= 2 * periodNanos }
            keys.insert(key, at: 0)
            return key
        }
    }

    /// The key of this name, and whether the ticket should be sealed anew; nil: it is unknown or forgotten.
    func opening(_ name: UnsafeRawBufferPointer, at now: UInt64) -> (key: TicketKey, isOld: Bool)? {
        keys.withLock { keys in
            for (index, key) in keys.enumerated() where now &- key.bornAt < 2 * periodNanos {
                let matches = key.withPointers { own, _, _ in
                    CRYPTO_memcmp(own, name.baseAddress, TicketKey.nameBytes) == 0
                }
                if matches { return (key, index > 0 || now &- key.bornAt >= periodNanos) }
            }
            return nil
        }
    }

    var count: Int { keys.withLock { $0.count } }
}
