// The document's schemas, as JSON text: they are read more often than they change.

internal import Foundation

extension AdminOpenAPI {
    static var schemas: [String: Any] { parse(text).merging(parse(accuracyText)) { first, _ in first } }

    private static func parse(_ text: String) -> [String: Any] {
        let parsed = try? JSONSerialization.jsonObject(with: Data(text.utf8))
        guard let schemas = parsed as? [String: Any] else { preconditionFailure("the schemas are JSON") }
        return schemas
    }

    private static let text = #"""
        {
          "Share": {"type": "number", "minimum": 0, "maximum": 100, "multipleOf": 0.0001},
          "Version": {"type": "string", "pattern": "^[1-9][0-9]{0,18}$"},
          "Name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"},
          "Header": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,63}$"},
          "Canary": {
            "type": "object", "additionalProperties": false, "required": ["version", "percent"],
            "properties": {"version": {"$ref": "#/components/schemas/Version"}, "percent": {"$ref": "#/components/schemas/Share"}}
          },
          "Route": {
            "type": "object", "additionalProperties": false,
            "properties": {
              "stable": {"$ref": "#/components/schemas/Version"},
              "canary": {"$ref": "#/components/schemas/Canary"},
              "arms": {"type": "array", "maxItems": 8, "items": {
                "type": "object", "additionalProperties": false, "required": ["name", "version", "percent"],
                "properties": {
                  "name": {"$ref": "#/components/schemas/Name"}, "version": {"$ref": "#/components/schemas/Version"},
                  "percent": {"$ref": "#/components/schemas/Share"}}}},
              "shadow": {"type": "array", "maxItems": 4, "items": {"$ref": "#/components/schemas/Canary"}},
              "sticky": {
                "type": "object", "additionalProperties": false,
                "oneOf": [{"required": ["header"]}, {"required": ["feature"]}],
                "properties": {
                  "header": {"$ref": "#/components/schemas/Header"}, "feature": {"type": "string"},
                  "salt": {"type": "string", "maxLength": 64}}},
              "segments": {"type": "array", "maxItems": 64, "items": {
                "type": "object", "additionalProperties": false, "required": ["name", "when", "version"],
                "properties": {
                  "name": {"$ref": "#/components/schemas/Name"}, "version": {"$ref": "#/components/schemas/Version"},
                  "when": {
                    "type": "object", "additionalProperties": false, "required": ["in"],
                    "oneOf": [{"required": ["header"]}, {"required": ["feature"]}],
                    "properties": {
                      "header": {"$ref": "#/components/schemas/Header"}, "feature": {"type": "string"},
                      "in": {"type": "array", "minItems": 1, "maxItems": 1024, "items": {"type": "string"}}}}}}},
              "labels": {"type": "object", "maxProperties": 64, "propertyNames": {"$ref": "#/components/schemas/Name"},
                "additionalProperties": {"$ref": "#/components/schemas/Version"}},
              "override": {"type": "boolean"}
            }
          },
          "Switch": {
            "type": "object", "required": ["version"],
            "properties": {"version": {"$ref": "#/components/schemas/Version"}, "bake": {"type": "string", "examples": ["1h"]}}
          },
          "Lineage": {
            "type": "object", "required": ["parameters", "metrics", "environment"],
            "properties": {
              "data_sha256": {"type": "string"}, "code_commit": {"type": "string"}, "trained_at": {"type": "string"},
              "parent": {"type": "string"},
              "parameters": {"type": "object", "additionalProperties": {"type": "string"}},
              "metrics": {"type": "object", "additionalProperties": {"type": "string"}},
              "environment": {"type": "object", "additionalProperties": {"type": "string"}}}
          },
          "VersionState": {
            "type": "object", "required": ["version", "state", "uses", "weight", "requests"],
            "properties": {
              "version": {"type": "string"}, "state": {"enum": ["START", "LOADING", "AVAILABLE", "UNLOADING", "END"]},
              "error": {"type": "string"}, "digest": {"type": "string"}, "format": {"type": "string"},
              "cost_nanos": {"type": "number"}, "golden": {"type": "integer"},
              "cpu_seconds": {"type": "number"}, "memory_bytes": {"type": "integer"},
              "explanations": {"type": "string"}, "explain_nanos": {"type": "number"},
              "uses": {"type": "array", "items": {"type": "string"}},
              "weight": {"type": "number", "minimum": 0, "maximum": 1},
              "requests": {"type": "object", "additionalProperties": {"type": "integer"}},
              "lineage": {"$ref": "#/components/schemas/Lineage"}}
          },
          "Model": {
            "type": "object",
            "required": ["name", "ready", "required", "generation", "route", "versions", "problems", "warnings",
              "differs_from_configuration"],
            "properties": {
              "name": {"type": "string"}, "ready": {"type": "boolean"}, "required": {"type": "boolean"},
              "generation": {"type": "integer"}, "route": {"$ref": "#/components/schemas/Route"},
              "previous": {"$ref": "#/components/schemas/Route"}, "pinned_until": {"type": "string", "format": "date-time"},
              "versions": {"type": "array", "items": {"$ref": "#/components/schemas/VersionState"}},
              "problems": {"type": "array", "items": {"type": "string"}},
              "warnings": {"type": "array", "items": {"type": "string"}},
              "differs_from_configuration": {"type": "boolean"}}
          },
          "Status": {
            "type": "object", "required": ["version", "ready", "degraded", "state", "models"],
            "properties": {
              "version": {"type": "string"}, "ready": {"type": "boolean"}, "degraded": {"type": "boolean"},
              "state": {"enum": ["disk", "memory"]},
              "models": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}}
          },
          "Change": {
            "type": "object", "required": ["model", "generation", "before", "after", "dry_run", "recorded"],
            "properties": {
              "model": {"type": "string"}, "generation": {"type": "integer"},
              "before": {"$ref": "#/components/schemas/Route"}, "after": {"$ref": "#/components/schemas/Route"},
              "dry_run": {"type": "boolean"}, "recorded": {"type": "boolean"}}
          },
          "Load": {
            "type": "object", "required": ["model", "version", "state", "dry_run"],
            "properties": {
              "model": {"type": "string"}, "version": {"type": "string"},
              "state": {"enum": ["START", "LOADING", "AVAILABLE", "UNLOADING", "END"]}, "dry_run": {"type": "boolean"}}
          },
          "DriftLevel": {"enum": ["unknown", "none", "warning", "alert"]},
          "DriftVariable": {
            "type": "object",
            "required": ["name", "kind", "level", "silent", "psi", "jensen_shannon", "missing", "missing_before",
              "out_of_range", "unseen", "counts", "reference"],
            "properties": {
              "name": {"type": "string"}, "kind": {"enum": ["feature", "score"]},
              "level": {"$ref": "#/components/schemas/DriftLevel"}, "silent": {"type": "boolean"},
              "psi": {"type": "number", "minimum": 0}, "jensen_shannon": {"type": "number", "minimum": 0, "maximum": 1},
              "psi_to_healthy": {"type": "number", "minimum": 0}, "psi_to_stable": {"type": "number", "minimum": 0},
              "missing": {"type": "number"}, "missing_before": {"type": "number"}, "out_of_range": {"type": "number"},
              "unseen": {"type": "number"}, "counts": {"type": "array", "items": {"type": "integer"}},
              "reference": {"type": "array", "items": {"type": "integer"}}}
          },
          "Drift": {
            "type": "object", "required": ["model", "version", "windows"],
            "properties": {
              "model": {"type": "string"}, "version": {"type": "string"},
              "windows": {"type": "array", "items": {
                "type": "object", "required": ["window", "rows", "level", "variables"],
                "properties": {
                  "window": {"enum": ["5m", "1h", "24h"]}, "rows": {"type": "integer"},
                  "level": {"$ref": "#/components/schemas/DriftLevel"},
                  "variables": {"type": "array", "items": {"$ref": "#/components/schemas/DriftVariable"}}}}}}
          },
          "Trigger": {
            "type": "object",
            "required": ["name", "kind", "url", "state", "cooldown_seconds", "fired", "delivered", "failed_attempts", "given_up"],
            "properties": {
              "name": {"$ref": "#/components/schemas/Name"},
              "kind": {"enum": ["drift", "accuracy", "label-delay", "violations"]}, "url": {"type": "string"},
              "state": {"enum": ["quiet", "pending", "cooling"]}, "cooldown_seconds": {"type": "number"},
              "now": {"type": "string"}, "fired_at": {"type": "string", "format": "date-time"},
              "delivered_at": {"type": "string", "format": "date-time"}, "cooled_at": {"type": "string", "format": "date-time"},
              "event": {"type": "string"}, "reason": {"type": "string"}, "failure": {"type": "string"},
              "attempts": {"type": "integer"}, "next_attempt_at": {"type": "string", "format": "date-time"},
              "fired": {"type": "integer"}, "delivered": {"type": "integer"}, "failed_attempts": {"type": "integer"},
              "given_up": {"type": "integer"}}
          },
          "Arrival": {
            "type": "object", "required": ["version", "outcome", "reason", "time"],
            "properties": {
              "version": {"$ref": "#/components/schemas/Version"},
              "outcome": {"enum": ["known", "incomplete", "loaded", "waiting", "started", "refused", "passed-over"]},
              "reason": {"type": "string"}, "time": {"type": "string", "format": "date-time"}}
          },
          "AuditLine": {
            "type": "object",
            "required": ["sequence", "time", "actor", "origin", "action", "model", "before", "after", "reason", "outcome", "hash"],
            "properties": {
              "sequence": {"type": "integer"}, "time": {"type": "string", "format": "date-time"},
              "actor": {"type": "string"}, "origin": {"type": "string"}, "action": {"type": "string"},
              "model": {"type": "string"}, "before": {"type": "string"}, "after": {"type": "string"},
              "reason": {"type": "string"}, "outcome": {"type": "string"}, "hash": {"type": "string"}}
          },
          "RolloutOrder": {
            "type": "object", "required": ["plan"],
            "properties": {
              "version": {"$ref": "#/components/schemas/Version"}, "plan": {"type": "string"},
              "hold": {"type": "boolean"}}
          },
          "Arm": {
            "type": "object", "required": ["requests", "late", "errors", "positives"],
            "properties": {
              "requests": {"type": "integer"}, "late": {"type": "integer"}, "errors": {"type": "integer"},
              "positives": {"type": "integer"}, "p50": {"type": "number"}, "p99": {"type": "number"}}
          },
          "Arms": {
            "type": "object", "required": ["stable", "candidate"],
            "properties": {"stable": {"$ref": "#/components/schemas/Arm"}, "candidate": {"$ref": "#/components/schemas/Arm"}}
          },
          "Rollout": {
            "type": "object",
            "required": ["id", "model", "stable", "candidate", "state", "verdict", "reason", "step", "steps", "percent",
              "started_by", "started_at", "seconds", "this_step", "total", "tests", "promotion_threshold"],
            "properties": {
              "id": {"type": "string"}, "model": {"type": "string"}, "stable": {"type": "string"},
              "candidate": {"type": "string"},
              "state": {"enum": ["waiting", "before-step", "raising", "running", "after-step", "gate", "paused",
                "inconclusive", "baking", "promoted", "rolled-back", "aborted"]},
              "verdict": {"$ref": "#/components/schemas/VerdictWord"}, "reason": {"type": "string"},
              "step": {"type": "integer"}, "steps": {"type": "array", "items": {"type": "number"}},
              "percent": {"type": "number", "minimum": 0, "maximum": 100}, "started_by": {"type": "string"},
              "started_at": {"type": "string", "format": "date-time"}, "seconds": {"type": "number"},
              "this_step": {"$ref": "#/components/schemas/Arms"}, "total": {"$ref": "#/components/schemas/Arms"},
              "tests": {"type": "array", "items": {
                "type": "object", "required": ["name", "leads_to", "threshold"],
                "properties": {
                  "name": {"type": "string"}, "leads_to": {"enum": ["pause", "rollback"]}, "evidence": {"type": "number"},
                  "threshold": {"type": "number"}}}},
              "promotion": {"type": "number"}, "promotion_threshold": {"type": "number"},
              "seconds_to_promote": {"type": "number"},
              "shift": {
                "type": "object", "required": ["psi", "bins"],
                "properties": {"psi": {"type": "number"}, "bins": {"type": "array", "items": {
                  "type": "object", "required": ["stable", "candidate"],
                  "properties": {
                    "from": {"type": "number"}, "to": {"type": "number"}, "stable": {"type": "number"},
                    "candidate": {"type": "number"}}}}}}}
          },
          "VerdictWord": {
            "enum": ["promote", "rollback", "environment", "pause", "inconclusive", "too-little-data", "undecided"]
          },
          "Verdict": {
            "type": "object", "required": ["verdict", "state", "percent", "reason"],
            "properties": {
              "verdict": {"$ref": "#/components/schemas/VerdictWord"}, "state": {"type": "string"},
              "percent": {"type": "number"}, "reason": {"type": "string"}}
          },
          "AuditVerdict": {
            "type": "object", "required": ["lines", "checkpoints", "unsigned"],
            "properties": {
              "lines": {"type": "integer"}, "checkpoints": {"type": "integer"}, "unsigned": {"type": "integer"},
              "fault": {"type": "string"}}
          },
          "Problem": {
            "type": "object", "required": ["type", "title", "status", "detail"],
            "properties": {
              "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
              "detail": {"type": "string"}, "generation": {"type": "integer"},
              "problems": {"type": "array", "items": {"type": "string"}}}
          }
        }
        """#
}
