// One tree of a LightGBM model: arrays over the splits, and leaves by their own numbers.
//
//     left_child, right_child   ≥ 0: a split; < 0: leaf ~child
//     decision_type             bit 0 category split, bit 1 default left, bits 2-3 missing type:
//                               0 none (NaN counts as 0), 1 zero (zeros are missing too), 2 NaN
//     threshold                 of a category split: the number of its set
//     cat_boundaries,           set s is the bits of words cat_boundaries[s] ..< cat_boundaries[s + 1]
//     cat_threshold

/// One tree's arrays.  Splits are nodes 0 ..< splits, leaf l is node splits + l.
struct LightGBMNodeTable {
    let splits: Int
    let leaves: Int
    private let features: [Int64]
    private let thresholds: [Double]
    private let decisions: [Int64]
    private let left: [Int64]
    private let right: [Int64]
    private let leafValues: [Double]
    private let setCount: Int
    /// The lines that errors point to.
    private let leftPlace: String
    private let decisionPlace: String
    private let featurePlace: String
    private let thresholdPlace: String

    var count: Int { splits + leaves }

    init(_ lines: [String: LightGBMLine], _ place: String) throws(ModelFormatError) {
        func required(_ key: String) throws(ModelFormatError) -> LightGBMLine {
            guard let line = lines[key] else { throw ModelFormatError(place, "the tree has no \(key)") }
            return line
        }
        leaves = try required("num_leaves").integer(1...ModelBounds.nodes / 2)
        splits = leaves - 1
        setCount = try required("num_cat").integer(0...ModelBounds.nodes)
        leafValues = try required("leaf_value").doubles(count: leaves)
        if splits == 0 {
            (features, thresholds, decisions, left, right) = ([], [], [], [], [])
            (leftPlace, decisionPlace, featurePlace, thresholdPlace) = (place, place, place, place)
            return
        }
        let leftLine = try required("left_child")
        let featureLine = try required("split_feature")
        let thresholdLine = try required("threshold")
        let decisionLine = try required("decision_type")
        left = try leftLine.integers(count: splits, -leaves...splits - 1)
        right = try required("right_child").integers(count: splits, -leaves...splits - 1)
        features = try featureLine.integers(count: splits, 0...ModelBounds.features - 1)
        // A split between NaN and everything else has the threshold inf.
        thresholds = try thresholdLine.doubles(count: splits, allowsInfinity: true)
        decisions = try decisionLine.integers(count: splits, 0...15)
        leftPlace = leftLine.place
        decisionPlace = decisionLine.place
        featurePlace = featureLine.place
        thresholdPlace = thresholdLine.place
    }

    func place(_ node: Int) -> String {
        node < splits ? "\(leftPlace): split \(node)" : "\(leftPlace): leaf \(node - splits)"
    }

    private func child(_ number: Int64) -> Int32 { number >= 0 ? Int32(number) : Int32(splits) + Int32(~number) }

    func node(_ index: Int, featureCount: Int, sets: [Int32]) throws(ModelFormatError) -> Forest.Node {
        guard index < splits else { return .leaf(leafValues[index - splits]) }
        let feature = Int32(features[index])
        guard feature < featureCount else {
            throw ModelFormatError(featurePlace, "split_feature[\(index)] must be 0 to \(featureCount - 1)")
        }
        let (left, right) = (child(left[index]), child(right[index]))
        let decision = decisions[index]
        if decision & 1 == 1 {
            guard let set = Int(exactly: thresholds[index]), sets.indices.contains(set) else {
                throw ModelFormatError(
                    thresholdPlace, "threshold[\(index)] must be the number of one of \(sets.count) category sets")
            }
            return .split(feature: feature, categories: sets[set], left: left, right: right, missing: .right)
        }
        let defaultLeft = decision & 2 == 2
        let missing: Forest.Missing
        switch decision >> 2 {
        case 0: missing = .zero
        case 1: missing = defaultLeft ? .zeroLeft : .zeroRight
        case 2: missing = defaultLeft ? .left : .right
        default: throw ModelFormatError(decisionPlace, "decision_type[\(index)] has no missing type 3")
        }
        return .split(feature: feature, threshold: thresholds[index], left: left, right: right, missing: missing)
    }

    /// The tree's category sets, ascending members each.
    func sets(_ lines: [String: LightGBMLine], _ place: String) throws(ModelFormatError) -> [[UInt32]] {
        guard setCount > 0 else { return [] }
        guard let boundaryLine = lines["cat_boundaries"], let wordLine = lines["cat_threshold"] else {
            throw ModelFormatError(place, "the tree has categories, but no cat_boundaries and cat_threshold")
        }
        let boundaries = try boundaryLine.integers(count: setCount + 1, 0...ModelBounds.categoryMembers)
        for index in 0..<setCount where boundaries[index] > boundaries[index + 1] || boundaries[0] != 0 {
            throw boundaryLine.error("cat_boundaries[\(index)] must start at 0 and ascend")
        }
        let words = try wordLine.integers(count: Int(boundaries[setCount]), 0...Int(UInt32.max))
        var sets: [[UInt32]] = []
        for index in 0..<setCount {
            let range = Int(boundaries[index])..<Int(boundaries[index + 1])
            guard range.count * 32 <= ModelBounds.categories else {
                throw boundaryLine.error("cat_boundaries[\(index)] spans categories above \(ModelBounds.categories)")
            }
            sets.append(Self.members(words[range]))
        }
        return sets
    }

    private static func members(_ words: ArraySlice<Int64>) -> [UInt32] {
        var members: [UInt32] = []
        for (index, word) in words.enumerated() {
            var bits = UInt32(word)
            while bits != 0 {
                members.append(UInt32(index * 32 + bits.trailingZeroBitCount))
                bits &= bits - 1
            }
        }
        return members
    }
}
