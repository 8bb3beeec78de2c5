// Which clients may ask a model: the names of its `clients`, against the certificate's.
//
//     no list ─► anyone      no certificate ─► 401      no name of it listed ─► 403
//
// The lists lie packed in a table by version index, which is replaced as a whole; a request pays one load
// to see whether there is a newer one.

import Configuration
import HTTP
import Inference
import Primitives

// SAFETY: written in init only.
final class AccessTable: @unchecked Sendable {
    /// By version index; empty: anyone.
    let lists: UnsafeMutablePointer<UnsafeRawBufferPointer>
    private let owners: [PeerAllowList]

    init(_ snapshot: Snapshot, _ configuration: GatewayConfiguration) {
        owners = snapshot.versions.map { PeerAllowList(configuration.model(named: $0.name).clients) }
        lists = .allocate(capacity: max(owners.count, 1))
        for (index, owner) in owners.enumerated() { (lists + index).initialize(to: owner.bytes) }
    }

    deinit { lists.deallocate() }
}

extension DataPlane {
    /// Why the client may not ask this version; nil: it may.
    func refusal(_ stream: Stream, _ index: Int) -> RequestError? {
        if access.generation != accessGeneration { renewAccess() }
        let list = accessLists[index]
        if list.isEmpty { return nil }
        guard let peer = stream.pointee.peer, peer.pointee.hasCertificate else {
            return RequestError(401, "the model wants a client certificate")
        }
        if peer.pointee.isListed(in: list) { return nil }
        return RequestError(403, "no name of the client certificate is among the model's clients")
    }

    private func renewAccess() {
        (accessTable, accessGeneration) = access.load()
        accessLists = accessTable.lists
    }
}
