// TLS of the client: whom it believes, and what it shows, as the scenario says.

internal import Configuration
internal import TLS

final class ClientTLS {
    private let client: TLSClient
    private let serverName: String?

    /// - Parameter http: 1 or 2, which ALPN offers.
    init(_ files: TLSFiles, http: Int) throws(LoadTestError) {
        serverName = files.serverName
        var identity: (certificate: String, key: String)?
        if let certificate = files.certificate, let key = files.key { identity = (certificate, key) }
        do throws(TLSClientError) {
            client = try TLSClient(
                authorities: files.authority, identity: identity, protocols: [http == 2 ? "h2" : "http/1.1"])
        } catch {
            throw .configuration(ConfigurationError(source: error.place, message: error.reason))
        }
    }

    /// A connection's TLS over its socket, as a client.
    func connect(_ descriptor: Int32, host: String) -> OpaquePointer? {
        client.connect(descriptor, name: serverName ?? host)
    }

    /// Why a handshake failed.
    static func failure(_ ssl: OpaquePointer) -> String { TLSClient.failure(ssl) }
}
