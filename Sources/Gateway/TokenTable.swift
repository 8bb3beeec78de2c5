// Bearer tokens that are known, found by their SHA-256.
//
//     authorization: Bearer abc… ──SHA-256──► slot = first 8 bytes mod capacity ─► digest equal? ─► client, name
//
// Open addressing, at most half full. Whoever asks with tokens of his own making learns from the time it takes what
// digests look like, but not a token that has one.

import Configuration
import Glibc
import Primitives
import TLS

/// Who a token stands for.
struct TokenClient {
    /// Tells the client from others.
    var key: UInt64
    /// Its name as `PeerIdentity.isListed` compares it.
    var name: UnsafeRawBufferPointer
}

// SAFETY: written in init only; readers keep the table alive that they got it from.
final class TokenTable: @unchecked Sendable {
    struct Slot {
        var digest: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var client: TokenClient?
    }

    /// The table in plain words, with no reference to count.
    struct View {
        let slots: UnsafeMutablePointer<Slot>
        /// A power of two; 0: there are no tokens.
        let capacity: Int

        /// Who has sent this token; nil: nobody who is known.
        func client(of token: UnsafeRawBufferPointer) -> TokenClient? {
            if capacity == 0 || token.isEmpty { return nil }
            var digest: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
            withUnsafeMutableBytes(of: &digest) { bytes in
                if let base = bytes.baseAddress { TokenDigest.write(of: token, to: base) }
            }
            var index = Int(truncatingIfNeeded: digest.0) & (capacity - 1)
            while let client = slots[index].client {
                if slots[index].digest == digest { return client }
                index = (index + 1) & (capacity - 1)
            }
            return nil
        }
    }

    let view: View
    private let names: [PeerAllowList]

    init(_ tokens: [ClientToken]) {
        names = tokens.map { PeerAllowList([ClientToken.prefix + $0.name]) }
        var capacity = tokens.isEmpty ? 0 : 2
        while capacity < 2 * tokens.count { capacity *= 2 }
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: max(capacity, 1))
        slots.initialize(repeating: Slot(), count: max(capacity, 1))
        for (token, name) in zip(tokens, names) {
            let digest = token.digest.withUnsafeBytes { $0.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self) }
            var index = Int(truncatingIfNeeded: digest.0) & (capacity - 1)
            while slots[index].client != nil { index = (index + 1) & (capacity - 1) }
            let key = mixed(UInt64(bitPattern: Int64((ClientToken.prefix + token.name).hashValue)))
            slots[index] = Slot(digest: digest, client: TokenClient(key: key, name: name.bytes))
        }
        view = View(slots: slots, capacity: capacity)
    }

    deinit {
        view.slots.deinitialize(count: max(view.capacity, 1))
        view.slots.deallocate()
    }
}
