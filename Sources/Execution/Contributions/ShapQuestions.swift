// What the splits of a forest ask about a row, each thing once.
//
//     values   a column of the row, prepared: as it is, or with zeros missing, or as a category
//     slots    a value, a way of missing values to go, and the thresholds that splits have for it
//
// A split then is a slot and a threshold's number: the row goes right where the value is above more
// thresholds than that.  Ranks are found once a row, and a split costs no comparison of doubles.

internal import CKernels
internal import ModelFormat

/// A value that splits look at.
struct ShapValue: Hashable {
    enum Kind: UInt8 {
        case plain
        /// Zeros are missing.
        case zeroMissing
        /// A category's code.
        case category
    }

    var feature: Int32
    var kind: Kind

    init(_ node: Forest.Node) {
        feature = node.feature
        let zeroIsMissing = node.missing == .zeroLeft || node.missing == .zeroRight
        kind = node.categories >= 0 ? .category : zeroIsMissing ? .zeroMissing : .plain
    }
}

struct ShapQuestions {
    private struct Slot: Hashable {
        var value: ShapValue
        var missingLeft: Bool
    }

    /// Ranks fit 16 bits, and the highest is kept for missing values.
    private static let thresholdsPerSlot = 65_000

    private let forest: Forest
    private(set) var values: [ShapValue] = []
    private var valueNumbers: [ShapValue: UInt32] = [:]
    /// The thresholds of what is asked alike, ascending and distinct.
    private struct Table {
        var limits: [Double] = []
        /// Whether some split sends every value right; it counts as threshold 0.
        var hasNever = false
        /// The slot of the first thresholds; the others stand in the slots behind it.
        var firstSlot = 0
    }

    private var tables: [Slot: Table] = [:]
    private(set) var slots: [serin_shap_slot] = []
    private(set) var thresholds: [Double] = []

    init(_ forest: Forest) throws(ContributionError) {
        self.forest = forest
        var order: [Slot] = []
        for tree in forest.trees {
            for node in tree.nodes where !node.isLeaf {
                let value = ShapValue(node)
                if valueNumbers[value] == nil {
                    valueNumbers[value] = UInt32(values.count)
                    values.append(value)
                }
                guard node.categories < 0 else { continue }
                let slot = Slot(value: value, missingLeft: missingGoesLeft(node))
                if tables[slot] == nil { order.append(slot) }
                if let limit = limit(node) {
                    tables[slot, default: Table()].limits.append(limit)
                } else {
                    tables[slot, default: Table()].hasNever = true
                }
            }
        }
        for slot in order { layOut(slot) }
        guard slots.count <= Int(UInt16.max) else {
            throw ContributionError("", "the forest asks too many different questions")
        }
    }

    /// The number of the value that a split looks at.
    func value(of node: Forest.Node) -> UInt32 { valueNumbers[ShapValue(node)]! }

    /// A threshold split's slot, and the threshold's number there.
    func question(_ node: Forest.Node) -> (slot: UInt16, rank: UInt16) {
        let table = tables[Slot(value: ShapValue(node), missingLeft: missingGoesLeft(node))]!
        var place = 0
        if let limit = limit(node) {
            var (low, high) = (0, table.limits.count)
            while low < high {
                let middle = (low + high) / 2
                if table.limits[middle] < limit { low = middle + 1 } else { high = middle }
            }
            place = low + (table.hasNever ? 1 : 0)
        }
        return (UInt16(table.firstSlot + place / Self.thresholdsPerSlot), UInt16(place % Self.thresholdsPerSlot))
    }

    private mutating func layOut(_ slot: Slot) {
        var table = tables[slot]!
        table.limits.sort()
        var distinct: [Double] = []
        for limit in table.limits where distinct.last != limit { distinct.append(limit) }
        table.limits = distinct
        table.firstSlot = slots.count
        tables[slot] = table
        var (next, base) = (0, table.hasNever ? 1 : 0)
        repeat {
            let end = min(distinct.count, next + Self.thresholdsPerSlot - base)
            slots.append(
                serin_shap_slot(
                    first: UInt32(thresholds.count), count: UInt32(end - next), value: valueNumbers[slot.value]!,
                    missing: slot.missingLeft ? 0 : .max, base: UInt16(base)))
            thresholds += distinct[next..<end]
            (next, base) = (end, 0)
        } while next < distinct.count
    }

    private func missingGoesLeft(_ node: Forest.Node) -> Bool {
        switch node.missing {
        case .left, .zeroLeft: true
        case .right, .zeroRight: false
        case .zero: forest.comparison == .less ? 0 < node.value : 0 <= node.value
        }
    }

    /// The largest value that goes left; nil where none does.
    private func limit(_ node: Forest.Node) -> Double? {
        guard forest.comparison == .less else { return node.value }
        guard node.value > -.infinity else { return nil }
        return forest.valueWidth == .float32 ? Double(Float(node.value).nextDown) : node.value.nextDown
    }
}
