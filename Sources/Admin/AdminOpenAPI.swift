// The OpenAPI 3.1 document, written from the table of calls. config/openapi.json is a copy that a test holds to it.

internal import Foundation

public enum AdminOpenAPI {
    public static let document: String = {
        let root: [String: Any] = [
            "openapi": "3.1.0",
            "info": [
                "title": "Serin's admin plane", "version": "1",
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
            ],
            "servers": [["url": "/"]], "security": [["token": [String]()], [String: Any]()],
            "paths": paths,
            "components": ["schemas": schemas, "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]]],
        ]
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        guard let data = try? JSONSerialization.data(withJSONObject: root, options: options) else {
            preconditionFailure("the document is JSON")
        }
        return String(decoding: data, as: UTF8.self) + "\n"
    }()

    private static func reference(_ name: String) -> [String: Any] { ["$ref": "#/components/schemas/\(name)"] }

    private static func content(_ type: String, _ schema: [String: Any]) -> [String: Any] { [type: ["schema": schema]] }

    private static var paths: [String: Any] {
        var paths: [String: [String: Any]] = [:]
        for call in AdminCall.table {
            paths[AdminCall.root + call.path, default: [:]][call.method.lowercased()] = operation(call)
        }
        return paths
    }

    private static func operation(_ call: AdminCall) -> [String: Any] {
        var operation: [String: Any] = [
            "operationId": call.name.rawValue, "summary": call.summary,
            "description": "Needs the role \(call.role.rawValue).", "parameters": parameters(call),
        ]
        var responses: [String: Any] = ["200": success(call)]
        for status in statuses(call) {
            responses[String(status)] = [
                "description": "RFC 9457", "content": content("application/problem+json", reference("Problem")),
            ]
        }
        operation["responses"] = responses
        if call.name == .setRoute {
            operation["requestBody"] = ["required": true, "content": content("application/json", reference("Route"))]
        }
        if call.name == .switchTraffic {
            operation["requestBody"] = ["required": true, "content": content("application/json", reference("Switch"))]
        }
        if call.name == .rolloutStart {
            operation["requestBody"] = [
                "required": true, "content": content("application/json", reference("RolloutOrder")),
            ]
        }
        return operation
    }

    private static func statuses(_ call: AdminCall) -> [Int] {
        let always = [400, 401, 403, 404, 405, 413, 429, 431, 500, 503]
        if [.rolloutVerdict, .rolloutQuestion].contains(call.name) { return always + [409] }
        return call.isChange ? always + [409, 412, 422, 428] : always
    }

    private static func success(_ call: AdminCall) -> [String: Any] {
        let (type, schema): (String, [String: Any]) =
            switch call.name {
            case .openapi: ("application/json", ["type": "object"])
            case .status: ("application/json", reference("Status"))
            case .models: ("application/json", list("models", "Model"))
            case .model: ("application/json", reference("Model"))
            case .route: ("application/json", reference("Route"))
            case .drift: ("application/json", reference("Drift"))
            case .accuracy: ("application/json", reference("Accuracy"))
            case .triggers: ("application/json", list("triggers", "Trigger"))
            case .arrivals: ("application/json", list("arrivals", "Arrival"))
            case .events: ("text/event-stream", ["type": "string"])
            case .audit: ("application/json", list("lines", "AuditLine"))
            case .auditVerdict: ("application/json", reference("AuditVerdict"))
            case .load, .unload: ("application/json", reference("Load"))
            case .rollouts: ("application/json", list("rollouts", "Rollout"))
            case .rolloutVerdict, .rolloutQuestion: ("application/json", reference("Verdict"))
            case .rollout, .rolloutStart, .rolloutPause, .rolloutResume, .rolloutPromote, .rolloutAbort,
                .rolloutStepBack:
                ("application/json", reference("Rollout"))
            case .setRoute, .switchTraffic, .rollback: ("application/json", reference("Change"))
            }
        var contents = content(type, schema)
        if call.name == .audit { contents["application/x-ndjson"] = ["schema": ["type": "string"]] }
        return ["description": "Done", "content": contents]
    }

    private static func list(_ name: String, _ schema: String) -> [String: Any] {
        ["type": "object", "required": [name], "properties": [name: ["type": "array", "items": reference(schema)]]]
    }

    private static func parameters(_ call: AdminCall) -> [[String: Any]] {
        func parameter(_ name: String, _ place: String, _ schema: [String: Any], required: Bool = false) -> [String:
            Any]
        {
            ["name": name, "in": place, "required": required, "schema": schema]
        }
        var list: [[String: Any]] = []
        if call.path.contains("{model}") {
            list.append(parameter("model", "path", text("[A-Za-z0-9][A-Za-z0-9._-]{0,127}"), required: true))
        }
        if call.path.contains("{version}") {
            list.append(parameter("version", "path", text("[1-9][0-9]{0,18}"), required: true))
        }
        if call.path.contains("{id}") {
            list.append(parameter("id", "path", text("[A-Za-z0-9][A-Za-z0-9._-]{0,191}"), required: true))
        }
        if [.rolloutVerdict, .rolloutQuestion].contains(call.name) {
            list.append(parameter("is", "query", ["type": "string", "enum": VerdictDocument.questions]))
        }
        if call.isChange {
            list.append(parameter("dry_run", "query", ["type": "string", "enum": ["true", "false"]]))
            list.append(parameter("reason", "query", ["type": "string", "maxLength": 256]))
        }
        if call.method == "POST" { list.append(parameter("idempotency-key", "header", text("[A-Za-z0-9_-]{1,128}"))) }
        if [.setRoute, .switchTraffic, .rollback].contains(call.name) {
            let tag = text(#"(\*|"[0-9]{1,18}")"#)
            list.append(parameter("if-match", "header", tag, required: call.name == .setRoute))
        }
        if call.name == .setRoute {
            list.append(parameter("from_config", "query", ["type": "string", "enum": ["true", "false"]]))
        }
        if call.name == .audit {
            for name in ["model", "actor", "action"] { list.append(parameter(name, "query", ["type": "string"])) }
            list.append(parameter("since", "query", ["type": "string", "format": "date-time"]))
            list.append(parameter("after", "query", ["type": "integer", "minimum": 0]))
            list.append(parameter("limit", "query", ["type": "integer", "minimum": 1, "maximum": 10000]))
            list.append(parameter("format", "query", ["type": "string", "enum": ["json", "ndjson"]]))
        }
        if call.name == .events { list.append(parameter("last-event-id", "header", text("[0-9]{1,18}"))) }
        return list
    }

    private static func text(_ pattern: String) -> [String: Any] { ["type": "string", "pattern": "^\(pattern)$"] }
}
