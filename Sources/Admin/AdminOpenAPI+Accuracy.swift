// The schemas of what labels say.

extension AdminOpenAPI {
    static let accuracyText = #"""
        {
          "Money": {
            "type": "object",
            "required": ["true_positives", "false_positives", "false_negatives", "true_negatives"],
            "properties": {
              "true_positives": {"type": "number"}, "false_positives": {"type": "number"},
              "false_negatives": {"type": "number"}, "true_negatives": {"type": "number"},
              "precision": {"type": "number"}, "recall": {"type": "number"}, "approval_rate": {"type": "number"}}
          },
          "Figures": {
            "type": "object",
            "required": ["labels", "positives", "true_positives", "false_positives", "false_negatives", "true_negatives"],
            "properties": {
              "labels": {"type": "integer"}, "positives": {"type": "integer"}, "true_positives": {"type": "integer"},
              "false_positives": {"type": "integer"}, "false_negatives": {"type": "integer"},
              "true_negatives": {"type": "integer"},
              "roc_auc": {"type": "number", "minimum": 0, "maximum": 1}, "roc_auc_error": {"type": "number", "minimum": 0},
              "average_precision": {"type": "number", "minimum": 0, "maximum": 1},
              "average_precision_error": {"type": "number", "minimum": 0},
              "ks": {"type": "number", "minimum": 0, "maximum": 1}, "ks_error": {"type": "number", "minimum": 0},
              "brier": {"type": "number", "minimum": 0, "maximum": 1}, "log_loss": {"type": "number", "minimum": 0},
              "calibration_error": {"type": "number", "minimum": 0, "maximum": 1},
              "accuracy": {"type": "number", "minimum": 0, "maximum": 1},
              "precision": {"type": "number", "minimum": 0, "maximum": 1},
              "recall": {"type": "number", "minimum": 0, "maximum": 1},
              "selection_rate": {"type": "number", "minimum": 0, "maximum": 1},
              "approval_rate": {"type": "number", "minimum": 0, "maximum": 1},
              "money": {"$ref": "#/components/schemas/Money"}}
          },
          "AccuracyWindow": {
            "type": "object", "required": ["window", "figures", "arms", "groups"],
            "properties": {
              "window": {"enum": ["1d", "7d", "30d", "all"]}, "figures": {"$ref": "#/components/schemas/Figures"},
              "arms": {"type": "array", "items": {
                "type": "object", "required": ["arm", "tier", "figures"],
                "properties": {
                  "arm": {"type": "string"}, "tier": {"enum": ["full", "fallback"]},
                  "figures": {"$ref": "#/components/schemas/Figures"}}}},
              "groups": {"type": "array", "items": {
                "type": "object", "required": ["feature", "values"],
                "properties": {
                  "feature": {"type": "string"},
                  "selection_rate_ratio": {"type": "number", "minimum": 0, "maximum": 1},
                  "true_positive_rate_ratio": {"type": "number", "minimum": 0, "maximum": 1},
                  "values": {"type": "array", "items": {
                    "type": "object", "required": ["value", "figures"],
                    "properties": {
                      "value": {"type": "string"}, "figures": {"$ref": "#/components/schemas/Figures"}}}}}}}}
          },
          "LabelCohort": {
            "type": "object", "required": ["day", "labels", "positives", "taken_back", "delays"],
            "properties": {
              "day": {"type": "string", "format": "date"}, "labels": {"type": "integer"},
              "positives": {"type": "integer"}, "taken_back": {"type": "integer"},
              "delays": {"type": "array", "items": {
                "type": "object", "required": ["within", "labels"],
                "properties": {
                  "within": {"enum": ["1d", "7d", "30d", "90d", "later"]}, "labels": {"type": "integer"}}}}}
          },
          "Accuracy": {
            "type": "object", "required": ["model", "versions"],
            "properties": {
              "model": {"type": "string"},
              "versions": {"type": "array", "items": {
                "type": "object", "required": ["version", "digest", "classes", "windows", "cohorts"],
                "properties": {
                  "version": {"$ref": "#/components/schemas/Version"}, "digest": {"type": "string"},
                  "classes": {"type": "array", "items": {"type": "string"}},
                  "positive": {"type": "integer"}, "threshold": {"type": "number"}, "amount": {"type": "string"},
                  "windows": {"type": "array", "items": {"$ref": "#/components/schemas/AccuracyWindow"}},
                  "cohorts": {"type": "array", "items": {"$ref": "#/components/schemas/LabelCohort"}}}}}}
          }
        }
        """#
}
