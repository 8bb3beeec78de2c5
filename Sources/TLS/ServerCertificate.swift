// What is told of a server certificate: its names for SNI, and how long it is good.

import COpenSSL

public struct ServerCertificate: Sendable, Equatable {
    /// The file it came from.
    public let file: String
    /// DNS names, lower case; `*.example.com` among them.
    public let names: [String]
    /// Seconds since 1970.
    public let notBefore: Int64
    public let notAfter: Int64

    init(file: String, certificate: OpaquePointer) {
        self.file = file
        names = Self.dnsNames(certificate)
        notBefore = Int64(copenssl_unix_time(X509_get0_notBefore(certificate)))
        notAfter = Int64(copenssl_unix_time(X509_get0_notAfter(certificate)))
    }

    /// What is wrong with it at `now` (seconds since 1970); nil: nothing.
    func problem(at now: Int64) -> String? {
        if notAfter < now { return "\(file): the certificate has expired" }
        if notBefore > now { return "\(file): the certificate is not valid yet" }
        return nil
    }

    private static func dnsNames(_ certificate: OpaquePointer) -> [String] {
        guard let names = copenssl_names(certificate) else { return [] }
        defer { copenssl_free_names(names) }
        return (0..<copenssl_name_count(names)).compactMap { index in
            var count: Int32 = 0
            guard let bytes = copenssl_name(names, index, Int32(GEN_DNS), &count), count > 0 else { return nil }
            return String(decoding: UnsafeRawBufferPointer(start: bytes, count: Int(count)), as: UTF8.self).lowercased()
        }
    }
}

/// Which of several certificates a client's server name asks for: the exact name, else a wildcard for its
/// first label, else the first certificate.
struct ServerNames: Sendable {
    private var exact: [String: Int] = [:]
    /// By what follows `*.`.
    private var wildcards: [String: Int] = [:]
    /// Names that an earlier certificate has too, which is the one that is shown.
    private(set) var shadowed: [String] = []

    init(_ certificates: [ServerCertificate]) {
        for (index, certificate) in certificates.enumerated() {
            for name in certificate.names where !add(name, index) { shadowed.append(name) }
        }
    }

    private mutating func add(_ name: String, _ index: Int) -> Bool {
        if name.hasPrefix("*.") {
            let parent = String(name.dropFirst(2))
            if let other = wildcards[parent] { return other == index }
            wildcards[parent] = index
        } else {
            if let other = exact[name] { return other == index }
            exact[name] = index
        }
        return true
    }

    func index(of serverName: String) -> Int {
        let name = serverName.lowercased()
        if let index = exact[name] { return index }
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return 0 }
        return wildcards[String(name[name.index(after: dot)...])] ?? 0
    }
}
