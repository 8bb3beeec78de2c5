// Every call of the admin plane: method, path, who may make it.

struct AdminCall: Sendable, Equatable {
    enum Name: String, Sendable, CaseIterable {
        case openapi, status, models, model, route, drift, accuracy, triggers, arrivals, events, audit
        case auditVerdict = "audit-verdict"
        case load, unload
        case setRoute = "route-set"
        case switchTraffic = "switch"
        case rollback
        case rollouts, rollout
        case rolloutVerdict = "rollout-verdict"
        case rolloutQuestion = "rollout-question"
        case rolloutStart = "rollout-start"
        case rolloutPause = "rollout-pause"
        case rolloutResume = "rollout-resume"
        case rolloutPromote = "rollout-promote"
        case rolloutAbort = "rollout-abort"
        case rolloutStepBack = "rollout-step-back"

        /// As the audit log calls it.
        var action: String { self == .setRoute ? "route" : rawValue }
    }

    var name: Name
    var method: String
    /// Names in braces: `/models/{model}/versions/{version}:load`.
    var path: String
    var role: AdminRole
    var summary: String

    /// A hook of Flagger's asks by POST, and changes nothing.
    var isChange: Bool { method != "GET" && name != .rolloutQuestion }

    static let root = "/admin/v1"

    static let table: [AdminCall] = [
        AdminCall(name: .openapi, method: "GET", path: "/openapi.json", role: .viewer, summary: "This document"),
        AdminCall(name: .status, method: "GET", path: "/status", role: .viewer, summary: "Everything at a glance"),
        AdminCall(name: .models, method: "GET", path: "/models", role: .viewer, summary: "All models"),
        AdminCall(name: .model, method: "GET", path: "/models/{model}", role: .viewer, summary: "One model"),
        AdminCall(
            name: .route, method: "GET", path: "/models/{model}/route", role: .viewer, summary: "Where requests go"),
        AdminCall(
            name: .setRoute, method: "PUT", path: "/models/{model}/route", role: .operator,
            summary: "Replaces the route"),
        AdminCall(
            name: .switchTraffic, method: "POST", path: "/models/{model}:switch", role: .operator,
            summary: "Moves all traffic to a version"),
        AdminCall(
            name: .rollback, method: "POST", path: "/models/{model}:rollback", role: .operator,
            summary: "Back to the route before the last switch"),
        AdminCall(
            name: .load, method: "POST", path: "/models/{model}/versions/{version}:load", role: .admin,
            summary: "Takes a version through the gate"),
        AdminCall(
            name: .unload, method: "POST", path: "/models/{model}/versions/{version}:unload", role: .admin,
            summary: "Takes a version out of memory"),
        AdminCall(
            name: .drift, method: "GET", path: "/models/{model}/versions/{version}/drift", role: .viewer,
            summary: "How a version's traffic differs from its training"),
        AdminCall(
            name: .accuracy, method: "GET", path: "/models/{model}/accuracy", role: .viewer,
            summary: "What labels say of a model's versions"),
        AdminCall(
            name: .triggers, method: "GET", path: "/models/{model}/triggers", role: .viewer,
            summary: "A model's triggers, and what became of their events"),
        AdminCall(
            name: .arrivals, method: "GET", path: "/models/{model}/arrivals", role: .viewer,
            summary: "Versions that arrived in the repository, and what became of them"),
        AdminCall(name: .rollouts, method: "GET", path: "/rollouts", role: .viewer, summary: "All rollouts"),
        AdminCall(name: .rollout, method: "GET", path: "/rollouts/{id}", role: .viewer, summary: "One rollout"),
        AdminCall(
            name: .rolloutVerdict, method: "GET", path: "/rollouts/{id}/verdict", role: .viewer,
            summary: "A rollout in one word"),
        AdminCall(
            name: .rolloutQuestion, method: "POST", path: "/rollouts/{id}/verdict", role: .viewer,
            summary: "The same, for hooks that ask by POST"),
        AdminCall(
            name: .rolloutStart, method: "POST", path: "/models/{model}/rollouts", role: .operator,
            summary: "Starts a rollout"),
        AdminCall(
            name: .rolloutPause, method: "POST", path: "/rollouts/{id}:pause", role: .operator,
            summary: "Holds the weight"),
        AdminCall(
            name: .rolloutResume, method: "POST", path: "/rollouts/{id}:resume", role: .operator,
            summary: "Goes on"),
        AdminCall(
            name: .rolloutPromote, method: "POST", path: "/rollouts/{id}:promote", role: .operator,
            summary: "On to the next step"),
        AdminCall(
            name: .rolloutAbort, method: "POST", path: "/rollouts/{id}:abort", role: .operator,
            summary: "Back to stable alone"),
        AdminCall(
            name: .rolloutStepBack, method: "POST", path: "/rollouts/{id}:step-back", role: .operator,
            summary: "Back to the step before"),
        AdminCall(name: .events, method: "GET", path: "/events", role: .viewer, summary: "What happens"),
        AdminCall(name: .audit, method: "GET", path: "/audit", role: .viewer, summary: "What happened"),
        AdminCall(
            name: .auditVerdict, method: "GET", path: "/audit/verdict", role: .viewer,
            summary: "Whether the audit log is whole"),
    ]

    /// The call of a request, and the names in its path.
    static func find(_ request: AdminRequest) throws(AdminProblem) -> (AdminCall, [String]) {
        let matches = matches(request)
        if matches.isEmpty { throw AdminProblem(.notFound, "there is no such path: see \(root)/openapi.json") }
        guard let match = matches.first(where: { $0.0.method == request.method }) else {
            throw AdminProblem(.methodNotAllowed, "the path takes \(methods(of: request).joined(separator: ", "))")
        }
        return match
    }

    static func methods(of request: AdminRequest) -> [String] { matches(request).map(\.0.method) }

    private static func matches(_ request: AdminRequest) -> [(AdminCall, [String])] {
        let path = request.target.prefix { $0 != "?" }
        guard path.hasPrefix(root) else { return [] }
        return table.compactMap { call in names(of: path.dropFirst(root.count), call.path).map { (call, $0) } }
    }

    /// What stands in the place of the names in braces; nil: another path. Names have no slash and no colon.
    private static func names(of path: Substring, _ pattern: String) -> [String]? {
        let (parts, wanted) = (
            path.split(separator: "/", omittingEmptySubsequences: false),
            pattern.split(separator: "/", omittingEmptySubsequences: false)
        )
        guard parts.count == wanted.count else { return nil }
        var names: [String] = []
        for (part, want) in zip(parts, wanted) {
            guard want.hasPrefix("{") else {
                if part != want { return nil }
                continue
            }
            let action = want.drop { $0 != "}" }.dropFirst()
            guard part.hasSuffix(action) else { return nil }
            let name = part.dropLast(action.count)
            if name.isEmpty || name.contains(":") { return nil }
            names.append(AdminTarget.decoded(name) ?? String(name))
        }
        return names
    }
}

/// A query's fields.
struct AdminTarget {
    private var fields: [String: String] = [:]

    init(_ target: String) throws(AdminProblem) {
        guard let mark = target.firstIndex(of: "?") else { return }
        for pair in target[target.index(after: mark)...].split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), let value = Self.decoded(parts.count > 1 ? parts[1] : "") else {
                throw AdminProblem(
                    .badRequest, "the query has a % that is followed by no two hexadecimal digits, or no UTF-8")
            }
            fields[name] = value
        }
    }

    subscript(name: String) -> String? { fields[name] }

    func flag(_ name: String) throws(AdminProblem) -> Bool {
        switch fields[name] {
        case nil, "false": return false
        case "true": return true
        default: throw AdminProblem(.badRequest, "\(name): expected true or false")
        }
    }

    func number(_ name: String, _ range: ClosedRange<Int64>) throws(AdminProblem) -> Int64? {
        guard let text = fields[name] else { return nil }
        guard let number = Int64(text), range.contains(number) else {
            throw AdminProblem(
                .badRequest, "\(name): expected a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// nil: not percent-encoded UTF-8.
    static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+") {
                bytes.append(0x20)
            } else if byte == UInt8(ascii: "%") {
                guard rest.count >= 2, rest.prefix(2).allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                    let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else { return nil }
                rest = rest.dropFirst(2)
                bytes.append(value)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
