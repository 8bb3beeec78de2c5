// The variables of a version, and where their cells are.

public import Inference
public import Registry

public struct DriftLayout: Sendable {
    public let variables: [DriftVariable]
    let featureCount: Int
    let cellCount: Int
    /// The inner and outer edges of the score's bins, where it has one column.
    public let scoreEdges: [Double]

    /// `features`: those of the manifest, in the order of the profile.
    public init(_ profile: Profile, _ features: [FeatureSpec]) {
        var variables: [DriftVariable] = []
        var first = 0
        for (feature, spec) in zip(profile.features, features) {
            variables.append(DriftVariable(feature, spec, first: first))
            first = variables[variables.count - 1].cells.upperBound
        }
        featureCount = variables.count
        for (index, score) in profile.scores.enumerated() {
            let name = profile.scores.count == 1 ? score.output : "\(score.output)[\(index)]"
            variables.append(DriftVariable(score: name, score.histogram, first: first))
            first = variables[variables.count - 1].cells.upperBound
        }
        scoreEdges = profile.scores.count == 1 ? profile.scores[0].histogram.edges : []
        self.variables = variables
        cellCount = first
    }

    /// The index of each variable between two versions' counts in these cells, by name.
    public func distances(_ live: [UInt64], _ other: [UInt64]) -> [String: Double] {
        let pairs = variables.map { ($0.name, DriftDistance.psi($0.bins(of: live), $0.bins(of: other))) }
        return Dictionary(pairs) { first, _ in first }
    }

    var features: ArraySlice<DriftVariable> { variables[..<featureCount] }
    public var scores: ArraySlice<DriftVariable> { variables[featureCount...] }
}
