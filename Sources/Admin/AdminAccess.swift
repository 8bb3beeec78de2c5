// Who may call the admin plane.
//
//     tokens configured      Authorization: Bearer …  ─► SHA-256 ─► a token's name and role; else 401
//     none, on loopback      anybody there is `anonymous` with every right, but a browser that another site has sent is not:
//                            a foreign Host or Origin gets 403
//     ten failures a minute  from one address ─► 429, until a minute has passed
//
// Only hashes of tokens are kept, in the configuration and in memory. All of them are compared, in constant time.

internal import Configuration
internal import Registry
internal import Synchronization

public enum AdminRole: String, Sendable, CaseIterable, Comparable {
    /// Reads.
    case viewer
    /// Shifts traffic.
    case `operator`
    /// Loads and unloads.
    case admin

    public static func < (left: AdminRole, right: AdminRole) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

struct AdminIdentity: Equatable {
    var name: String
    var role: AdminRole
}

final class AdminAccess: Sendable {
    static let failuresMax = 10
    static let windowNanos: UInt64 = 60_000_000_000
    /// Addresses that failures are remembered of; one more forgets the oldest.
    static let addressesMax = 1024

    private struct Failures {
        var count: Int
        var since: UInt64
    }

    private let tokens: [(digest: [UInt8], identity: AdminIdentity)]
    private let failures = Mutex<[String: Failures]>([:])
    private let clock: @Sendable () -> UInt64

    init(_ configuration: AdminConfiguration, clock: @escaping @Sendable () -> UInt64) {
        self.clock = clock
        tokens = configuration.tokens.compactMap { token in
            guard let digest = SHA256Digest(hex: token.sha256), let role = AdminRole(rawValue: token.role) else {
                return nil
            }
            return (digest.bytes, AdminIdentity(name: token.name, role: role))
        }
    }

    func identify(_ request: AdminRequest) throws(AdminProblem) -> AdminIdentity {
        guard !tokens.isEmpty else {
            try refuseForeign(request)
            return AdminIdentity(name: "anonymous", role: .admin)
        }
        try refuseGuesser(request.address)
        if let identity = identity(of: request.headers["authorization"] ?? "") {
            forgive(request.address)
            return identity
        }
        note(request.address)
        throw AdminProblem(
            .unauthenticated, "send Authorization: Bearer with a token that the configuration has the hash of")
    }

    private func identity(of header: String) -> AdminIdentity? {
        let words = header.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        let digest = SHA256Digest(of: Array(words[1].utf8)).bytes
        var found: AdminIdentity?
        for token in tokens {
            var difference: UInt8 = 0
            for (one, other) in zip(token.digest, digest) { difference |= one ^ other }
            if difference == 0 { found = token.identity }
        }
        return found
    }

    // MARK: Guesses

    private func refuseGuesser(_ address: String) throws(AdminProblem) {
        let now = clock()
        let isOver = failures.withLock { failures in
            guard let known = failures[address] else { return false }
            if now &- known.since > Self.windowNanos {
                failures[address] = nil
                return false
            }
            return known.count >= Self.failuresMax
        }
        if isOver { throw AdminProblem(.tooMany, "too many tokens from this address were wrong: wait a minute") }
    }

    private func note(_ address: String) {
        let now = clock()
        failures.withLock { failures in
            if failures[address] == nil, failures.count >= Self.addressesMax {
                if let oldest = failures.min(by: { $0.value.since < $1.value.since })?.key { failures[oldest] = nil }
            }
            failures[address, default: Failures(count: 0, since: now)].count += 1
        }
    }

    private func forgive(_ address: String) { failures.withLock { $0[address] = nil } }

    // MARK: Browsers

    /// A page of another site makes a browser call this port, and a name that resolves to loopback makes it look
    /// like its own: neither names this port as it is.
    private func refuseForeign(_ request: AdminRequest) throws(AdminProblem) {
        let host = Self.hostName(request.headers["host"] ?? "")
        guard Self.isLocal(host) else {
            throw AdminProblem(.forbidden, "Host: without tokens only localhost, 127.0.0.1 and [::1] are answered")
        }
        guard let origin = request.headers["origin"] else { return }
        let authority = origin.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first ?? ""
        guard Self.isLocal(Self.hostName(String(authority))) else {
            throw AdminProblem(.forbidden, "Origin: pages of other sites may not call the admin plane")
        }
    }

    private static func hostName(_ authority: String) -> String {
        if authority.hasPrefix("[") { return String(authority.prefix { $0 != "]" }) + "]" }
        return String(authority.prefix { $0 != ":" }).lowercased()
    }

    private static func isLocal(_ host: String) -> Bool {
        ["localhost", "127.0.0.1", "[::1]"].contains(host)
    }
}
