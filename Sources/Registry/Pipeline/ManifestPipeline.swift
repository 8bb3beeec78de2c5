// `pipeline:` of a manifest: steps on features before the model, and on its scores after it.
//
//     request's columns ─► before[0] ─► before[1] … ─► the model's columns ─► model ─► after[0] … ─► score
//                                                                              └────────► margin
//
// A step works on the columns of the features it names and leaves the others alone; it is computed in
// float64, each operation rounded on its own.  `one_hot` puts a block of columns in its feature's
// place, the others keep one column.  What comes out must be the model's columns in the model's order.
// The steps are compiled into the model's image, so that nothing is looked up by name in a request.

internal import ModelFormat

public struct ManifestPipeline: Sendable, Equatable {
    /// A step before the model.
    struct Before: Sendable, Equatable {
        enum Kind: Sendable, Equatable {
            /// Missing values, and those equal to the marker, become `values[i]`.
            case impute(values: [Double], marker: Double?)
            /// (x - offsets[i]) × scales[i].
            case scale(offsets: [Double], scales: [Double])
            case clip(low: [Double], high: [Double])
            /// log(x + offset).
            case log(offset: Double)
            /// How many edges are not above x.
            case bucket(edges: [Double])
            /// Of each feature.
            case oneHot(values: [[Double]])
            /// Of one feature.
            case targetEncode(LookupTable)
        }

        var kind: Kind
        /// Indices into the manifest's features.
        var features: [Int]
        /// `pipeline.before[2]`.
        var place: String
    }

    /// A step after the model.
    struct After: Sendable, Equatable {
        enum Kind: Sendable, Equatable {
            case sigmoid(scale: Double)
            case softmax
            case calibrate(Calibration)
        }

        var kind: Kind
        /// Begins from the margin, not from the score; of the first step only.
        var isOfMargin: Bool
        var place: String
    }

    var before: [Before] = []
    var after: [After] = []

    /// Columns of a row once all steps before the model are done, each by the feature it comes from; nil:
    /// one of several columns of a feature.
    func modelColumns(featureCount: Int) -> [Int?] {
        var widths = [Int?](repeating: nil, count: featureCount)
        for step in before {
            guard case .oneHot(let values) = step.kind else { continue }
            for (feature, values) in zip(step.features, values) { widths[feature] = values.count }
        }
        return widths.enumerated().flatMap { feature, width in
            width.map { [Int?](repeating: nil, count: $0) } ?? [feature]
        }
    }
}

extension ManifestPipeline {
    /// What the image cache tells pipelines apart by: the same steps, the same bytes.
    var encoded: [UInt8] {
        var writer = PipelineBytes()
        writer.add(before.count)
        for step in before {
            writer.add(step.features.count)
            for feature in step.features { writer.add(feature) }
            writer.add(step.kind)
        }
        for step in after {
            writer.add(step.isOfMargin ? 1 : 0)
            writer.add(step.kind)
        }
        return writer.bytes
    }
}

/// Numbers in 8 bytes each, lists behind their length, kinds by number: no two pipelines look the same.
private struct PipelineBytes {
    var bytes = Array("serin pipeline 1".utf8)

    mutating func add(_ number: Int) { withUnsafeBytes(of: UInt64(number).littleEndian) { bytes += $0 } }

    mutating func add(_ number: Double) { withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += $0 } }

    mutating func add(_ numbers: [Double]) {
        add(numbers.count)
        for number in numbers { add(number) }
    }

    private mutating func add(kind: Int, _ lists: [Double]...) {
        add(kind)
        for list in lists { add(list) }
    }

    mutating func add(_ kind: ManifestPipeline.Before.Kind) {
        switch kind {
        case .impute(let values, let marker): add(kind: 0, values, marker.map { [$0] } ?? [])
        case .scale(let offsets, let scales): add(kind: 1, offsets, scales)
        case .clip(let low, let high): add(kind: 2, low, high)
        case .log(let offset): add(kind: 3, [offset])
        case .bucket(let edges): add(kind: 4, edges)
        case .oneHot(let values):
            add(kind: 5)
            for list in values { add(list) }
        case .targetEncode(let table): add(kind: 6, table.keys, table.values, [table.otherwise, table.missing])
        }
    }

    mutating func add(_ kind: ManifestPipeline.After.Kind) {
        switch kind {
        case .sigmoid(let scale): add(kind: 7, [scale])
        case .softmax: add(kind: 8)
        case .calibrate(.platt(let slope, let intercept)): add(kind: 9, [slope, intercept])
        case .calibrate(.isotonic(let x, let y)): add(kind: 10, x, y)
        }
    }
}
