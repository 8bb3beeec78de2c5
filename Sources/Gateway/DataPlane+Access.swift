// Which clients may ask a model, and how often: its `clients` against the token and the names of the certificate, its
// `rate` against what the client has asked.
//
//     no list ─► anyone      no token or certificate ─► 401      neither listed ─► 403      over its rate ─► 429
//
// A client is the name of its token; without one that is known, the first name of its certificate; without that, its
// address (IPv6: the network of 64 bits). A token costs its SHA-256, and only where a model has a list or a rate.
//
// The lists lie packed in a table by version index, which is replaced as a whole; a request pays one load
// to see whether there is a newer one.

import Configuration
import HTTP
import Inference
import Primitives
import Telemetry

// SAFETY: written in init only.
final class AccessTable: @unchecked Sendable {
    /// By slot; empty: anyone.
    let lists: UnsafeMutablePointer<UnsafeRawBufferPointer>
    /// By slot too.
    let rates: UnsafeMutablePointer<ModelRate>
    let tokens: TokenTable
    /// gRPC's server reflection is offered.
    let offersReflection: Bool
    private let owners: [PeerAllowList]

    init(_ snapshot: Snapshot, _ configuration: GatewayConfiguration) {
        tokens = TokenTable(configuration.tokens)
        offersReflection = configuration.offersReflection
        var owners: [PeerAllowList] = []
        lists = .allocate(capacity: max(snapshot.versions.limit, 1))
        rates = .allocate(capacity: max(snapshot.versions.limit, 1))
        for slot in snapshot.versions.indices {
            let model = configuration.model(named: snapshot.versions[slot].name)
            owners.append(PeerAllowList(model.clients))
            (lists + slot).initialize(to: owners[owners.count - 1].bytes)
            (rates + slot).initialize(to: ModelRate(model))
        }
        self.owners = owners
    }

    deinit {
        lists.deallocate()
        rates.deallocate()
    }
}

/// How often a client may ask a model, whichever version it names.
struct ModelRate {
    /// Nanoseconds between two requests; 0: as often as it likes.
    let interval: UInt64
    /// Tells the model's clients from another model's.
    let salt: UInt64

    init(_ model: ModelConfiguration) {
        interval = model.rate > 0 ? 1_000_000_000 / UInt64(model.rate) : 0
        salt = mixed(UInt64(bitPattern: Int64(model.name.hashValue)))
    }
}

extension DataPlane {
    /// Why the client may not ask this version now; nil: it may.
    func refusal(_ stream: Stream, _ index: Int) -> RequestError? {
        if access.generation != accessGeneration { renewAccess() }
        let rate = accessRates[index]
        if accessLists[index].isEmpty, rate.interval == 0 { return nil }
        let token = accessTokens.client(of: stream.pointee.bearerToken)
        if let error = forbidden(stream, index, token) { return error }
        if rate.interval == 0 { return nil }
        let client = (token?.key ?? stream.pointee.client) ^ rate.salt
        let passes = rateTable._withUnsafeGuaranteedRef { $0.take(client, interval: rate.interval, now: engine.now) }
        if passes { return nil }
        shard.add(metrics.overRate)
        return RequestError(429, "more requests than the model's rate allows a client")
    }

    /// Why the client may not ask this version, however seldom; nil: it may.
    func forbidden(_ stream: Stream, _ index: Int) -> RequestError? {
        forbidden(stream, index, accessTokens.client(of: stream.pointee.bearerToken))
    }

    private func forbidden(_ stream: Stream, _ index: Int, _ token: TokenClient?) -> RequestError? {
        let list = accessLists[index]
        if list.isEmpty { return nil }
        if let token, PeerIdentity.isListed(token.name, in: list) { return nil }
        let peer = stream.pointee.peer
        let hasCertificate = peer?.pointee.hasCertificate ?? false
        if hasCertificate, let peer, peer.pointee.isListed(in: list) { return nil }
        if !hasCertificate, token == nil {
            return RequestError(401, "the model wants a client certificate, or a bearer token that is known")
        }
        return RequestError(403, "neither the client's certificate nor its token is among the model's clients")
    }

    func renewAccess() {
        (accessTable, accessGeneration) = access.load()
        accessLists = accessTable.lists
        accessRates = accessTable.rates
        accessTokens = accessTable.tokens.view
    }
}
