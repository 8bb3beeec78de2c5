// Who is at the other end of a connection: the names of the certificate it has shown, and lists of
// the names that are let in.
//
//     [ kind 1 | length 2, little-endian | bytes ][ kind | length | bytes ] …      URIs, then DNS, then e-mail
//
// Both sides hold names in this form, so asking whether a peer is on a list is comparing bytes: no
// text is decoded and no reference counted, on the way of every request. A name only equals a name of
// its own kind: a DNS name that reads like a URI is none.

import Glibc

/// What a certificate's name is, in the order in which the first of them speaks for the peer.
public enum PeerNameKind: UInt8, Sendable, CaseIterable {
    case uri, dns, email
    /// No certificate's: that of a bearer token.
    case token

    /// A name in a configuration: a token's begins with `token:`, a URI has a colon, an e-mail address an @, everything
    /// else is a DNS name.
    public init(of text: String) {
        if text.hasPrefix("token:") {
            self = .token
            return
        }
        self = text.utf8.contains(UInt8(ascii: ":")) ? .uri : text.utf8.contains(UInt8(ascii: "@")) ? .email : .dns
    }
}

public struct PeerIdentity: ~Copyable {
    /// Names that are kept; a certificate may hold more, which then do not count.
    public static let nameLimit = 64
    public static let nameBytesLimit = 1024
    static let headerBytes = 3

    /// The peer has shown a certificate, and it was found good.
    public var hasCertificate = false
    public private(set) var nameCount = 0
    private var packed = GrowableBuffer()

    public init() {}

    /// Forgets the peer.
    public mutating func reset() {
        hasCertificate = false
        nameCount = 0
        packed.reset(keeping: 0)
    }

    /// Adds a name; one with spaces, control or non-ASCII bytes, or one too many, is left out.
    public mutating func append(_ kind: PeerNameKind, _ name: UnsafeRawBufferPointer) {
        guard nameCount < Self.nameLimit, Self.pack(kind, name, into: &packed) else { return }
        nameCount += 1
    }

    /// The first name, which speaks for the peer; empty: it has none.
    public var first: UnsafeRawBufferPointer {
        nameCount == 0 ? UnsafeRawBufferPointer(start: nil, count: 0) : Self.name(at: 0, in: packed.bytes)
    }

    /// Whether one of the peer's names is on the list.
    public func isListed(in list: UnsafeRawBufferPointer) -> Bool {
        var mine = 0
        while mine < packed.count {
            let entry = Self.entry(at: mine, in: packed.bytes)
            if Self.isListed(entry, in: list) { return true }
            mine += entry.count
        }
        return false
    }

    /// Whether a name, itself a list of one, is on the list.
    public static func isListed(_ name: UnsafeRawBufferPointer, in list: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        while place < list.count {
            let other = entry(at: place, in: list)
            if equal(name, other) { return true }
            place += other.count
        }
        return false
    }

    private static func equal(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        guard one.count == other.count, let base = one.baseAddress, let otherBase = other.baseAddress else {
            return false
        }
        return memcmp(base, otherBase, one.count) == 0
    }

    /// A whole entry: header and bytes.
    private static func entry(at offset: Int, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let count = headerBytes + Int(bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt16.self))
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
    }

    private static func name(at offset: Int, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: entry(at: offset, in: bytes)[headerBytes...])
    }

    /// Appends an entry, DNS names in lower case; false: the name is not one to compare.
    static func pack(_ kind: PeerNameKind, _ name: UnsafeRawBufferPointer, into buffer: inout GrowableBuffer) -> Bool {
        guard 1...nameBytesLimit ~= name.count, name.allSatisfy({ 0x21...0x7e ~= $0 }) else { return false }
        buffer.append(byte: kind.rawValue)
        buffer.append(byte: UInt8(truncatingIfNeeded: name.count))
        buffer.append(byte: UInt8(name.count >> 8))
        for byte in name {
            let isUpper = kind == .dns && 0x41...0x5a ~= byte
            buffer.append(byte: isUpper ? byte | 0x20 : byte)
        }
        return true
    }
}

/// Names that are let in, packed once and never changed.
// SAFETY: written in init only.
public final class PeerAllowList: @unchecked Sendable {
    /// For `PeerIdentity.isListed`; empty: no name is listed, which its owner takes for "anyone".
    public let bytes: UnsafeRawBufferPointer

    public init(_ names: [String]) {
        var buffer = GrowableBuffer()
        for name in names {
            let isName = Array(name.utf8).withUnsafeBytes { bytes in
                PeerIdentity.pack(PeerNameKind(of: name), bytes, into: &buffer)
            }
            precondition(isName, "the configuration lets only such names pass")
        }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(buffer.count, 1), alignment: 8)
        memory.copyMemory(from: buffer.bytes)
        bytes = UnsafeRawBufferPointer(rebasing: memory[..<buffer.count])
    }

    deinit { bytes.deallocate() }

    /// Whether a text can be a name of a certificate: 1 to 1,024 visible ASCII characters.
    public static func isName(_ text: String) -> Bool {
        1...PeerIdentity.nameBytesLimit ~= text.utf8.count && text.utf8.allSatisfy { 0x21...0x7e ~= $0 }
    }
}
