// Everything the data plane looks up: the routes and the versions they speak of.
//
// It is built once, before the reactors start, and never changes; what a request needs of it lies
// behind raw pointers, so that looking up counts no reference.

import Codec
import Execution
import Routing

// SAFETY: written in init, before the reactors start; read by all of them after it.
final class Snapshot: @unchecked Sendable {
    let routes: RouteTable
    /// Indexed as the routes speak of them; keeps them alive.
    let versions: [ServedVersion]
    /// The same versions in plain words, for the data plane.
    let table: UnsafeMutablePointer<VersionEntry>
    /// Names with the highest ready version first, for listings.
    let models: [ListedModel]

    struct ListedModel: Sendable {
        var name: String
        var versions: [Int]
        var stable: Int?
        var isRequired: Bool
    }

    init(versions: [ServedVersion], models: [ListedModel]) {
        self.versions = versions
        self.models = models
        table = .allocate(capacity: max(versions.count, 1))
        for (index, version) in versions.enumerated() {
            (table + index).initialize(to: VersionEntry(version))
        }
        routes = RouteTable(
            models.map { model in
                RoutedModel(
                    name: model.name,
                    versions: model.versions.map { (UInt64(versions[$0].version) ?? 0, $0) }, stable: model.stable)
            })
    }

    deinit { table.deallocate() }
}
