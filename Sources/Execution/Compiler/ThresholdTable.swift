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
        for key in sorted(keys) where key != distinct.last { distinct.append(key) }
        return distinct
    }

    /// By the digits of base 256 from the last to the first, those left out that all keys share: most keys
    /// are of float32 and have four.  A forest of 130,000 nodes has its keys sorted three times while it is
    /// compiled, which takes 3 ms so and 13 ms by comparisons.
    static func sorted(_ keys: [UInt64]) -> [UInt64] {
        guard keys.count >= 256 else { return keys.sorted() }
        var keys = keys
        var spare = [UInt64](repeating: 0, count: keys.count)
        let differing = keys.reduce(0) { $0 | ($1 ^ keys[0]) }
        for shift in stride(from: 0, to: 64, by: 8) where differing >> shift & 0xFF != 0 {
            var places: InlineArray<256, Int> = .init(repeating: 0)
            for key in keys { places[Int(key >> shift & 0xFF)] += 1 }
            var next = 0
            for digit in 0..<256 { (places[digit], next) = (next, next + places[digit]) }
            for key in keys {
                let digit = Int(key >> shift & 0xFF)
                spare[places[digit]] = key
                places[digit] += 1
            }
            swap(&keys, &spare)
        }
        return keys
    }

    /// How many of the sorted keys are below `key`: its place, if it is one of them.
    ///
    /// Without branches on what is found: a node's threshold is as likely in either half.
    static func place(of key: UInt64, in keys: [UInt64]) -> Int {
        keys.withUnsafeBufferPointer { keys in
            var first = 0
            var count = keys.count
            while count > 0 {
                let half = (count + 1) / 2
                let isBelow = keys[first + half - 1] < key
                first &+= isBelow ? half : 0
                count &-= half
            }
            return first
        }
    }
}
