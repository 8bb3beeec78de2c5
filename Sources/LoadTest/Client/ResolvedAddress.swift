// A target's address, looked up once, before the run.

internal import CLinux
internal import Glibc

struct ResolvedAddress {
    private var storage = sockaddr_storage()
    private var length: socklen_t = 0

    var family: UInt16 { storage.ss_family }

    init(_ target: Target) throws(LoadTestError) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(target.host, String(target.port), &hints, &list)
        guard code == 0, let first = list else {
            throw .unreachable("\(target): the name cannot be resolved: \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        // SAFETY: the resolver's address is as long as it says, and fits the storage.
        length = first.pointee.ai_addrlen
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: first.pointee.ai_addr, count: Int(length)))
        }
    }

    func withSockaddr(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
