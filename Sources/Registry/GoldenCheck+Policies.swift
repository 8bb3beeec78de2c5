// Golden rows go through the manifest's rules as requests do: the same FeaturePolicies.

internal import Configuration
internal import Inference

extension GoldenCheck {
    /// A cell's number: a category's code, NaN for missing.
    func number(of cell: GoldenRow.Cell, line: Int, column: Int) throws(ConfigurationError) -> Double {
        switch cell {
        case .number(let value): return value
        case .missing: return .nan
        case .category(let name):
            guard let code = features[column].categories.firstIndex(of: name) else {
                throw refused(line, column, "has a category that the manifest does not list")
            }
            return Double(code)
        }
    }

    /// Replaces what the manifest replaces; throws where it would refuse the request.
    func applyPolicies(
        to values: borrowing AlignedBytes, of indices: [Int], _ type: ValueType
    ) throws(ConfigurationError) {
        var outOfRange = 0
        let violation = FeaturePolicies(features)
            .apply(to: values.pointer, rows: indices.count, type: type, outOfRange: &outOfRange)
        guard let violation else { return }
        let message =
            switch violation.rule {
            case .missing: "is missing, which the manifest rejects"
            case .range: "is outside the manifest's range, which it rejects"
            case .integer: "is not a whole number, as the manifest wants it"
            case .boolean: "is not 0 or 1, as the manifest wants it"
            case .category: "has a code that the manifest does not list and rejects"
            }
        throw refused(indices[violation.row] + 1, violation.column, message)
    }

    private func refused(_ line: Int, _ column: Int, _ message: String) -> ConfigurationError {
        ConfigurationError(
            source: source, line: line, keyPath: "row[\(column)]", message: "\(features[column].name) \(message)")
    }
}
