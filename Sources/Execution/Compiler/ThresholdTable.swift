// All thresholds that a forest compares a feature with: as keys, sorted, each once.

internal import ModelFormat

struct ThresholdTable {
    let coder: KeyCoder
    /// By feature.
    let keys: [[UInt64]]

    init(_ forest: Forest) {
        coder = KeyCoder(forest)
        var keys = [[UInt64]](repeating: [], count: forest.featureCount)
        for tree in forest.trees {
            for node in tree.nodes where !node.isLeaf && node.categories < 0 {
                keys[Int(node.feature)].append(coder.threshold(node.value))
            }
        }
        for feature in keys.indices where !keys[feature].isEmpty { keys[feature] = Self.distinct(keys[feature]) }
        self.keys = keys
    }

    static func distinct(_ keys: [UInt64]) -> [UInt64] {
        var distinct: [UInt64] = []
        for key in keys.sorted() where key != distinct.last { distinct.append(key) }
        return distinct
    }

    /// How many of the sorted keys are below `key`: its place, if it is one of them.
    static func place(of key: UInt64, in keys: [UInt64]) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
