// LightGBM's trees: arrays over the splits, and leaves by their own numbers.
//
//     left_child, right_child   ≥ 0: a split; < 0: leaf ~child
//     decision_type             bit 0 category split, bit 1 default left, bits 2-3 missing type:
//                               0 none (NaN counts as 0), 1 zero (zeros are missing too), 2 NaN
//     threshold                 of a category split: the number of its set
//     cat_boundaries,           set s is the bits of words cat_boundaries[s] ..< cat_boundaries[s + 1]
//     cat_threshold

struct LightGBMTreeReader {
    let featureCount: Int
    /// The distinct sets, and the number of each.
    private(set) var categorySets: [[UInt32]] = []
    private var setNumbers: [[UInt32]: Int32] = [:]
    private var memberCount = 0
    private var nodesLeft = ModelBounds.nodes

    init(featureCount: Int) { self.featureCount = featureCount }

    private static let known: Set<String> = [
        "num_leaves", "num_cat", "split_feature", "threshold", "decision_type", "left_child", "right_child",
        "leaf_value", "cat_boundaries", "cat_threshold", "is_linear",
    ]

    /// Reads one block, from behind its `Tree=` line to the empty line.
    mutating func read(_ text: inout LightGBMText) throws(ModelFormatError) -> [Forest.Node] {
        var lines: [String: LightGBMLine] = [:]
        let place = text.place
        while let line = text.nextLine(), !line.isEmpty {
            let key = line.key
            guard Self.known.contains(key) else { continue }
            guard lines.updateValue(line, forKey: key) == nil else { throw line.error("\(key) stands twice") }
        }
        let table = try LightGBMNodeTable(lines, place)
        let sets = try table.sets(lines, place).map { set throws(ModelFormatError) in try number(of: set, place) }
        let featureCount = featureCount
        let linker = TreeLinker(count: table.count) { node in
            table.place(node)
        } read: { node throws(ModelFormatError) in
            try table.node(node, featureCount: featureCount, sets: sets)
        }
        let nodes = try linker.link(nodesLeft: nodesLeft)
        nodesLeft -= nodes.count
        return nodes
    }

    /// The set's number; a set that is already there is shared.
    private mutating func number(of members: [UInt32], _ place: String) throws(ModelFormatError) -> Int32 {
        if let number = setNumbers[members] { return number }
        memberCount += members.count
        guard memberCount <= ModelBounds.categoryMembers else {
            throw ModelFormatError(place, "more than \(ModelBounds.categoryMembers) members of category sets in all")
        }
        let number = Int32(categorySets.count)
        categorySets.append(members)
        setNumbers[members] = number
        return number
    }
}

/// One tree's arrays.  Splits are nodes 0 ..< splits, leaf l is node splits + l.
private struct LightGBMNodeTable {
    let splits: Int
    let leaves: Int
    let features: [Int64]
    let thresholds: [Double]
    let decisions: [Int64]
    let left: [Int64]
    let right: [Int64]
    let leafValues: [Double]
    let setCount: Int
    /// The lines that errors point to.
    let leftPlace: String
    let decisionPlace: String
    let featurePlace: String
    let thresholdPlace: String

    var count: Int { splits + leaves }

    init(_ lines: [String: LightGBMLine], _ place: String) throws(ModelFormatError) {
        func required(_ key: String) throws(ModelFormatError) -> LightGBMLine {
            guard let line = lines[key] else { throw ModelFormatError(place, "the tree has no \(key)") }
            return line
        }
        if let linear = lines["is_linear"], try linear.integer(0...1) == 1 {
            throw linear.error("linear trees (linear_tree=true) are not supported")
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
