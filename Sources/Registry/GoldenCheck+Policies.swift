// A golden cell becomes the value a request with it would bring to the model.

internal import Configuration
internal import Inference

extension GoldenCheck {
    /// NaN is missing. Throws where the manifest would refuse the cell.
    func modelValue(of cell: GoldenRow.Cell, line: Int, column: Int) throws(ConfigurationError) -> Double {
        let feature = features[column]
        func refuse(_ message: String) -> ConfigurationError {
            ConfigurationError(source: source, line: line, keyPath: "row[\(column)]", message: "\(feature.name) \(message)")
        }
        switch cell {
        case .missing:
            switch feature.missing {
            case .model: return .nan
            case .value(let value): return value
            case .reject: throw refuse("is missing, which the manifest rejects")
            }
        case .category(let name):
            guard let code = feature.categories.firstIndex(of: name) else {
                throw refuse("has a category that the manifest does not list")
            }
            return Double(code)
        case .number(let value) where feature.kind == .category:
            let isListed = value >= 0 && value < Double(feature.categories.count) && value == value.rounded()
            if isListed || feature.categories.isEmpty { return value }
            switch feature.unknown {
            case .model: return value
            case .missing: return .nan
            case .reject: throw refuse("has a code that the manifest does not list")
            }
        case .number(let value):
            guard let range = feature.range, !range.contains(value) else { return value }
            switch feature.onRange {
            case .accept: return value
            case .clip: return min(max(value, range.lowerBound), range.upperBound)
            case .reject: throw refuse("is outside the manifest's range, which it rejects")
            }
        }
    }
}
