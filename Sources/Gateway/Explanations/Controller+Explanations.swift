// Preparing explanations behind the loading: the loader's thread builds, then a snapshot shows it to the reactors.

import Logging
import Synchronization

extension Controller {
    /// Prepares every version that serves, one after another; returns at once.
    func prepareExplanations() {
        for version in state.withLock({ $0.queued }) { prepareExplanations(version) }
    }

    /// Prepares one version; returns at once.
    func prepareExplanations(_ version: ServedVersion) {
        guard case .preparing = version.explanations.state else { return }
        loaderQueue.submit { [weak self] in
            version.explanations.prepare(version.bundle, version.queue)
            self?.showExplanations(version)
        }
    }

    private func showExplanations(_ version: ServedVersion) {
        if case .impossible(let reason) = version.explanations.state {
            logger.info("\(version.name)/\(version.version) cannot be explained: \(reason)")
        }
        let published = changing.withLock { _ in
            state.withLock { state -> UInt64? in state.isOpen ? publish(&state) : nil }
        }
        if let published { settle(published) }
    }
}
