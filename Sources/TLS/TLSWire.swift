// The ciphertext side of a connection: a BIO over the reactor's own buffers.
//
//     socket ──recv──► reactor's read buffer ◄── BIO read ── SSL_read ──► plaintext buffer ──► HTTP
//     socket ◄─send─── reactor's write buffer ◄── BIO write ── SSL_write ◄── plaintext buffer ◄── HTTP
//                       (or `spill`, when there is no room or nobody asked)
//
// OpenSSL never sees the socket: a round reads it once and writes it once, as without TLS, and OpenSSL reads
// ahead, so several records are one call here. Measured, a round of 4.2 KB in and 3 KB out (TLS 1.3,
// AES-128-GCM, one core of Zen 4, socket calls included, medians of 15 interleaved runs):
//
//     4.2 KB come as            1 record     10 records
//     this BIO                    6.9 µs        12.2 µs
//     a pair of memory BIOs       7.2 µs        12.7 µs     another copy, and growing buffers a connection
//     a socket BIO                8.9 µs        28.3 µs     a read for each record's header and for its body

import COpenSSL
import Glibc
import Primitives

/// Where the BIOs of one engine read and write now; there is one, because one connection is handled at a time.
struct TLSWire {
    var input: UnsafeRawPointer?
    var inputCount = 0
    /// OpenSSL asked for more than there was.
    var isDry = false
    var output: UnsafeMutableRawPointer?
    var outputRoom = 0
    var outputCount = 0

    mutating func take(_ into: UnsafeMutableRawPointer, _ room: Int) -> Int {
        guard let bytes = input, inputCount > 0 else {
            isDry = true
            return 0
        }
        let count = min(room, inputCount)
        memcpy(into, bytes, count)
        input = bytes + count
        inputCount -= count
        return count
    }

    /// Appends to the output; false: it does not fit.
    mutating func put(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool {
        guard let output, outputRoom - outputCount >= count else { return false }
        memcpy(output + outputCount, bytes, count)
        outputCount += count
        return true
    }
}

enum TLSBIO {
    /// Made once for the process, and never given back.
    // SAFETY: written once, before it is read; OpenSSL only reads it.
    private nonisolated(unsafe) static let method: OpaquePointer? = {
        let method = BIO_meth_new(BIO_get_new_index() | Int32(BIO_TYPE_SOURCE_SINK), "serin")
        BIO_meth_set_read(method, read)
        BIO_meth_set_write(method, write)
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        BIO_meth_set_create(method) { bio in
            BIO_set_init(bio, 1)
            return 1
        }
        return method
    }()

    /// A BIO of the connection's; nil: no memory.
    static func make(_ connection: UnsafeMutablePointer<TLSConnection>) -> OpaquePointer? {
        guard let method, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, connection)
        return bio
    }

    private static func connection(of bio: OpaquePointer?) -> UnsafeMutablePointer<TLSConnection>? {
        BIO_get_data(bio)?.assumingMemoryBound(to: TLSConnection.self)
    }

    private static let read: @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>?, Int32) -> Int32 = {
        bio, into, room in
        copenssl_clear_retry(bio)
        guard let connection = connection(of: bio), let into else { return 0 }
        let wire = connection.pointee.wire  // See WORKAROUNDS.md.
        let count = wire.pointee.take(into, Int(room))
        if count > 0 { return Int32(count) }
        copenssl_retry_read(bio)
        return -1
    }

    /// Takes everything: what does not fit into the output waits in `spill`.
    private static let write: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, Int32) -> Int32 = {
        bio, bytes, count in
        copenssl_clear_retry(bio)
        guard let connection = connection(of: bio), let bytes else { return 0 }
        let hasSpill = connection.pointee.spill.count > connection.pointee.spillStart
        let wire = connection.pointee.wire
        if hasSpill || !wire.pointee.put(bytes, Int(count)) {
            connection.pointee.spill.append(bytes, Int(count))
        }
        return count
    }
}
