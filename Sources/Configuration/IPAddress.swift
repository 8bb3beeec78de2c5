// Whether a text is an address, asked of the C library that will bind to it.

internal import Glibc

enum IPAddress {
    /// An IPv4 or IPv6 address in digits; names are not resolved.
    static func isAddress(_ text: String) -> Bool {
        withUnsafeTemporaryAllocation(of: in6_addr.self, capacity: 1) { storage in
            // SAFETY: in6_addr is the larger of the two results.
            inet_pton(AF_INET, text, storage.baseAddress!) == 1 || inet_pton(AF_INET6, text, storage.baseAddress!) == 1
        }
    }

    static func isLoopback(_ address: String) -> Bool { address.hasPrefix("127.") || address == "::1" }

    /// `0.0.0.0` and `::` take every address of the machine.
    static func isEvery(_ address: String) -> Bool { address == "0.0.0.0" || address == "::" }
}
