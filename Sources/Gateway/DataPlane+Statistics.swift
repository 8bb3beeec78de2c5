// What ModelStatistics and `/v2/models/…/stats` answer with.

import Codec
import HTTP
import Inference

extension DataPlane {
    /// Of every version that the client may ask.
    func allStatistics(_ stream: Stream) -> [VersionStatistics] {
        renewAccess()
        return snapshot.versions.indices.filter { forbidden(stream, $0) == nil }.map(statistics(at:))
    }

    func statistics(of versions: [ServedVersion]) -> [VersionStatistics] {
        versions.map { statistics(at: $0.slot) }
    }

    private func statistics(at index: Int) -> VersionStatistics {
        statistics.read(snapshot.versions[index], at: index, metrics.registry)
    }
}
