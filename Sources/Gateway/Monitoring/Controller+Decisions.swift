// What the decision log asks of the control plane.

import Configuration
import Inference
import Monitoring
import Registry
import Synchronization

extension Controller {
    /// What the records of a version mean, by its serial; nil: it is no longer loaded.
    func decisionSchema(_ serial: UInt64) -> DecisionSchema? {
        let served = state.withLock { $0.served }
        guard let slot = served.indices.first(where: { served[$0].serial == serial }) else { return nil }
        let version = served[slot]
        return DecisionSchema(
            serial: serial, model: version.name, version: version.version,
            digest: version.bundle.sourceDigest.description, features: version.bundle.input.features,
            output: version.bundle.output, personal: version.decisions.personal == .hash ? .hash : .drop)
    }
}
