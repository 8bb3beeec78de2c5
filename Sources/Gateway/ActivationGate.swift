// What a bundle must pass besides its checksums and golden rows before it may serve, each with a reason of its own.
//
//     features as the serving version's ─► cost of a row within the budget ─► every score a finite number
//
// All of it happens on a thread of the control plane; what fails stays out.

import Configuration
import Execution
import Inference
import Registry

struct ActivationGate {
    private let model: ModelConfiguration
    private let serving: LoadedBundle?

    /// `serving`: the model's stable version; nil: there is none.
    init(_ model: ModelConfiguration, serving: LoadedBundle?) {
        self.model = model
        self.serving = serving
    }

    func check(_ bundle: LoadedBundle) throws(ConfigurationError) {
        let place = "\(bundle.name)/\(bundle.version)"
        if let serving, serving.version != bundle.version {
            let differences = SchemaComparison.differences(serving.input.features, bundle.input.features)
            guard differences.isEmpty else {
                throw ConfigurationError(
                    source: place, keyPath: "features",
                    message: "do not fit version \(serving.version), which serves: "
                        + differences.joined(separator: "; "))
            }
        }
        if let budget = bundle.manifest.costBudgetNanos {
            let cost = bundle.model.cost.nanosAlone
            guard cost <= Double(budget) else {
                throw ConfigurationError(
                    source: place, keyPath: "budgets.cost",
                    message: "a row takes \(Int(cost.rounded(.up))) ns at worst, above the budget of \(budget) ns")
            }
        }
        try warm(bundle, place)
    }

    /// Scores rows until the model's memory and the kernels are warm; every score must be a number.
    private func warm(_ bundle: LoadedBundle, _ place: String) throws(ConfigurationError) {
        let rows = WarmRows(bundle.input.features)
        let outputs = WarmRows.count * bundle.model.outputCount
        let scores = UnsafeMutableRawPointer.allocate(
            byteCount: max(outputs * bundle.model.scoreType.byteCount, 1), alignment: 64)
        let scratch = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(bundle.model.scratchByteCount(rows: WarmRows.count), 64), alignment: 64)
        defer {
            scores.deallocate()
            scratch.deallocate()
        }
        var status = ScoringStatus.ok
        rows.values.withUnsafeBytes { values in
            guard let base = values.baseAddress else { return }
            var job = ScoringJob(
                values: base, rowCount: WarmRows.count, valueType: .float64, margins: nil, scores: scores)
            for _ in 0..<4 {
                withUnsafeMutablePointer(to: &job) {
                    bundle.model.score(UnsafeMutableBufferPointer(start: $0, count: 1), scratch: scratch)
                }
            }
            status = job.status
        }
        guard status == .ok else {
            throw ConfigurationError(
                source: place, keyPath: "model",
                message: "gives a score that is not a finite number for rows within the manifest's ranges")
        }
    }
}

/// Rows of values that a manifest allows, with 64 readable bytes behind them.
struct WarmRows {
    static let count = 32
    /// `count` × features, row-major.
    let values: [Double]

    init(_ features: [FeatureSpec]) {
        var values: [Double] = []
        for row in 0..<Self.count {
            for feature in features { values.append(Self.value(feature, Double(row) / Double(Self.count - 1))) }
        }
        self.values = values + [Double](repeating: 0, count: 8)
    }

    /// A value `part` of the way through what the feature allows.
    private static func value(_ feature: FeatureSpec, _ part: Double) -> Double {
        switch feature.kind {
        case .boolean: return part < 0.5 ? 0 : 1
        case .category: return (Double(max(feature.categories.count, 1) - 1) * part).rounded()
        case .number, .integer:
            let range = feature.range ?? 0...1000
            let (low, high) = (max(range.lowerBound, -1e9), min(range.upperBound, 1e9))
            let value = low + (high - low) * part
            return feature.kind == .integer ? value.rounded() : value
        }
    }
}
