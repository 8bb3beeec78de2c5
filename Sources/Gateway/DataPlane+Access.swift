// Which clients may ask a model, and how often: its `clients` against the names of the certificate, its `rate` against
// what the client has asked.
//
//     no list ─► anyone      no certificate ─► 401      no name of it listed ─► 403      over its rate ─► 429
//
// A client is the first name of its certificate; without one, its address (IPv6: the network of 64 bits).
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
    private let owners: [PeerAllowList]

    init(_ snapshot: Snapshot, _ configuration: GatewayConfiguration) {
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
    /// Why the client may not ask this version; nil: it may.
    func refusal(_ stream: Stream, _ index: Int) -> RequestError? {
        if access.generation != accessGeneration { renewAccess() }
        let list = accessLists[index]
        if !list.isEmpty, let error = refusal(stream, list) { return error }
        let rate = accessRates[index]
        if rate.interval == 0 { return nil }
        let client = stream.pointee.client ^ rate.salt
        let passes = rateTable._withUnsafeGuaranteedRef { $0.take(client, interval: rate.interval, now: engine.now) }
        if passes { return nil }
        shard.add(metrics.overRate)
        return RequestError(429, "more requests than the model's rate allows a client")
    }

    private func refusal(_ stream: Stream, _ list: UnsafeRawBufferPointer) -> RequestError? {
        guard let peer = stream.pointee.peer, peer.pointee.hasCertificate else {
            return RequestError(401, "the model wants a client certificate")
        }
        if peer.pointee.isListed(in: list) { return nil }
        return RequestError(403, "no name of the client certificate is among the model's clients")
    }

    private func renewAccess() {
        (accessTable, accessGeneration) = access.load()
        accessLists = accessTable.lists
        accessRates = accessTable.rates
    }
}
