// Rollouts over the admin plane.

extension AdminAPI {
    func readRollout(
        _ name: AdminCall.Name, _ names: [String], _ target: AdminTarget
    ) throws(AdminProblem) -> AdminResponse {
        if name == .rollouts { return AdminResponse(200, AdminJSON.encode(["rollouts": backend.rollouts()])) }
        let document = try backend.rollout(names[0])
        if name == .rollout { return AdminResponse(200, AdminJSON.encode(document)) }
        let verdict = VerdictDocument(document)
        guard let wanted = target["is"] else { return AdminResponse(200, AdminJSON.encode(verdict)) }
        guard VerdictDocument.questions.contains(wanted) else {
            throw AdminProblem(
                .badRequest, "is: expected one of \(VerdictDocument.questions.joined(separator: ", "))")
        }
        guard verdict.answers(wanted) else {
            throw AdminProblem(.conflict, "the verdict is \(verdict.verdict), not \(wanted): \(verdict.reason)")
        }
        return AdminResponse(200, AdminJSON.encode(verdict))
    }

    func changeRollout(
        _ request: AdminRequest, _ name: AdminCall.Name, _ subject: String, _ context: AdminContext
    ) throws(AdminProblem) -> AdminResponse {
        let document: RolloutDocument
        if name == .rolloutStart {
            let order = try AdminJSON.decode(RolloutOrder.self, request.body)
            document = try backend.startRollout(subject, order, context)
        } else {
            let command = String(name.rawValue.dropFirst("rollout-".count))
            document = try backend.commandRollout(subject, command, context)
        }
        return AdminResponse(200, AdminJSON.encode(document))
    }
}
