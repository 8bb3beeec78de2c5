// Blue-green: all traffic to another version in one swap, and back in one.
//
//     route ──switch──► route with stable = version, no candidates      previous = the route before, pinned for the bake time
//           ◄─rollback─ previous, whatever happened since

import Admin
import Configuration
import State

extension Controller {
    static let bakeMillis: Int64 = 3_600_000

    /// Moves all traffic to a version that is ready; the one before stays loaded, warm and pinned.
    func switchTraffic(
        _ name: String, to version: String, bakeMillis: Int64?, match: UInt64?, _ context: AdminContext
    ) throws(AdminProblem) -> ChangeDocument {
        try change(name, "switch", match: match, context) { (model) throws(AdminProblem) in
            guard model[version]?.isReady == true else {
                throw AdminProblem(
                    .conflict, "version \(version) is not ready: load it first", generation: model.generation)
            }
            var before = model.route
            if before.stable == nil { before.stable = model.stable?.version }
            guard before.stable != version || before.sharedMillionths > 0 else {
                throw AdminProblem(
                    .conflict, "version \(version) has all traffic already", generation: model.generation)
            }
            var route = before
            (route.stable, route.canary, route.arms) = (version, nil, [])
            var change = RouteChange(route, keeping: model)
            change.previous = before
            change.pinnedUntil = AuditEntry.now() + (bakeMillis ?? Self.bakeMillis)
            return change
        }
    }

    /// Back to the route before the last switch.
    func rollback(_ name: String, match: UInt64?, _ context: AdminContext) throws(AdminProblem) -> ChangeDocument {
        if let document = try abortRollout(of: name, context) { return document }
        return try change(name, "rollback", match: match, context, goesBack: true) { (model) throws(AdminProblem) in
            guard let previous = model.previous else {
                throw AdminProblem(
                    .conflict, "there is nothing to go back to: nobody has switched", generation: model.generation)
            }
            var change = RouteChange(previous, keeping: model)
            (change.previous, change.pinnedUntil) = (nil, nil)
            return change
        }
    }

    /// Replaces the route.
    func setRoute(
        _ name: String, _ route: RouteConfiguration, match: UInt64?, _ context: AdminContext
    ) throws(AdminProblem) -> ChangeDocument {
        try change(name, "route", match: match, context) { RouteChange(route, keeping: $0) }
    }

    /// Applies the configuration file's route.
    func setRouteFromConfiguration(
        _ name: String, match: UInt64?, _ context: AdminContext
    ) throws(AdminProblem) -> ChangeDocument {
        try change(name, "route", match: match, context) { RouteChange($0.settings.route, keeping: $0) }
    }
}
