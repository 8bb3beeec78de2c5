// A listening TCP socket of one reactor.
//
// Every reactor binds its own with SO_REUSEPORT, and the kernel spreads new connections over them:
// no accept lock, and no thread that wins all connections.

import CLinux
import Glibc
public import Primitives

/// Why a socket could not be made to listen.
public struct ListenError: Error, CustomStringConvertible {
    public var address: String
    public var port: UInt16
    public var code: Int32
    public var description: String {
        let reason = String(cString: strerror(code))
        return
            "cannot listen on \(address) port \(port): \(reason); choose another address or port, or stop what holds it"
    }
}

public struct Listener: Sendable {
    public let descriptor: Int32
    /// The port that was bound, also when 0 was asked for.
    public let port: UInt16
    /// Whose connections begin with a PROXY header that is believed; nobody else's do.
    public var proxies: [PeerNetwork] = []

    /// Binds `address` (IPv4 or IPv6 literal) and listens. `sharing`: other reactors bind the same port.
    public init(address: String, port: UInt16, sharing: Bool, backlog: Int32 = 4096) throws(ListenError) {
        var storage = sockaddr_storage()
        guard let length = Self.fill(&storage, address: address, port: port) else {
            throw ListenError(address: address, port: port, code: EINVAL)
        }
        let family = Int32(storage.ss_family)
        let descriptor = socket(
            family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ListenError(address: address, port: port, code: errno) }
        Self.setFlag(descriptor, SOL_SOCKET, SO_REUSEADDR)
        if sharing { Self.setFlag(descriptor, SOL_SOCKET, SO_REUSEPORT) }
        let bound = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard bound == 0, listen(descriptor, backlog) == 0 else {
            let code = errno
            close(descriptor)
            throw ListenError(address: address, port: port, code: code)
        }
        self.descriptor = descriptor
        self.port = Self.boundPort(descriptor)
    }

    /// A socket that listens already, and was handed over.
    public init(descriptor: Int32) {
        self.descriptor = descriptor
        port = Self.boundPort(descriptor)
    }

    private static func setFlag(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The literal as a socket address; nil when it is none.
    private static func fill(_ storage: inout sockaddr_storage, address: String, port: UInt16) -> socklen_t? {
        withUnsafeMutablePointer(to: &storage) { pointer in
            let raw = UnsafeMutableRawPointer(pointer)
            let v4 = raw.assumingMemoryBound(to: sockaddr_in.self)
            if inet_pton(AF_INET, address, &v4.pointee.sin_addr) == 1 {
                v4.pointee.sin_family = sa_family_t(AF_INET)
                v4.pointee.sin_port = port.bigEndian
                return socklen_t(MemoryLayout<sockaddr_in>.size)
            }
            let v6 = raw.assumingMemoryBound(to: sockaddr_in6.self)
            if inet_pton(AF_INET6, address, &v6.pointee.sin6_addr) == 1 {
                v6.pointee.sin6_family = sa_family_t(AF_INET6)
                v6.pointee.sin6_port = port.bigEndian
                return socklen_t(MemoryLayout<sockaddr_in6>.size)
            }
            return nil
        }
    }

    private static func boundPort(_ descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        // The port stands at the same place in IPv4's and IPv6's address.
        return withUnsafeBytes(of: &storage) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
    }
}
