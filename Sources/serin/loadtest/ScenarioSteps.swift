// A scenario's steps as calls of the admin plane.

internal import Admin
internal import Configuration
internal import LoadTest

struct ScenarioSteps: Sendable {
    let client: AdminClient

    /// Fails where no admin plane answers, or refuses us: before the run, not in the middle of it.
    func reach() throws(CommandFailure) {
        var client = client
        client.timeoutSeconds = 10
        do throws(CommandFailure) { _ = try client.call("GET", "/models") } catch {
            guard error.code == .checkFailed else { throw error }
            // An admin plane that says no is no broken budget.
            throw CommandFailure(code: .notStarted, message: "the admin plane at \(client.url): \(error.message)")
        }
    }

    /// Does a step; nil, or why it could not be done.
    func act(_ step: AdminStep) -> String? {
        do throws(CommandFailure) {
            try call(step.action)
            return nil
        } catch { return error.message }
    }

    private func call(_ action: AdminStep.Action) throws(CommandFailure) {
        switch action {
        case .canary(let model, let version, let percent): try shift(model, version, percent)
        case .change(let model, let version):
            try post("/models/\(AdminClient.escaped(model)):switch", AdminJSON.encode(["version": version]))
        case .rollback(let model): try post("/models/\(AdminClient.escaped(model)):rollback", "{}")
        case .load(let model, let version): try post(path(model, version) + ":load", "{}")
        case .unload(let model, let version): try post(path(model, version) + ":unload", "{}")
        case .call(let method, let path, let body): _ = try client.call(method, path, body: body)
        }
    }

    private func path(_ model: String, _ version: String) -> String {
        "/models/\(AdminClient.escaped(model))/versions/\(AdminClient.escaped(version))"
    }

    private func post(_ path: String, _ body: String) throws(CommandFailure) {
        _ = try client.call("POST", path, query: [("reason", "a load test's step")], body: body)
    }

    /// Puts the route back with another canary, unless somebody else was faster.
    private func shift(_ model: String, _ version: String?, _ percent: Double) throws(CommandFailure) {
        guard let share = RouteConfiguration.Share(percent: percent) else {
            throw CommandFailure(code: .usage, message: "percent: expected \(RouteConfiguration.Share.expectation)")
        }
        let path = "/models/\(AdminClient.escaped(model))"
        let document = try AdminClient.decode(ModelDocument.self, try client.call("GET", path).body)
        var route = document.route
        if route.stable == nil {
            route.stable = document.versions.last { $0.uses.contains("stable") }?.version
        }
        if share == .none {
            route.canary = nil
        } else {
            guard let version = version ?? route.canary?.version else {
                throw CommandFailure(code: .usage, message: "\(model) has no canary: the step needs its version")
            }
            route.canary = .init(version: version, share: share)
        }
        _ = try client.call(
            "PUT", path + "/route", query: [("reason", "a load test's step")],
            headers: ["If-Match": "\"\(document.generation)\""], body: AdminJSON.encode(route))
    }
}
