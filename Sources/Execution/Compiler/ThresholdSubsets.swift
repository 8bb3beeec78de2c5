// A feature's thresholds once for each way of treating missing values, where the answers differ by it:
// those that its splits ask, and the place of each among them.

internal import ModelFormat

struct ThresholdSubsets {
    private let kinds: Int
    private let kind: (Forest.Missing) -> Int
    /// By feature × kind: ascending.
    let keys: [[UInt64]]
    /// By feature × kind: where its ranks begin in `places`.
    private let starts: [Int]
    /// The place by rank.
    private let places: [Int32]

    /// `kind`: below `kinds`.
    init(_ ranked: RankedForest, kinds: Int, kind: @escaping (Forest.Missing) -> Int) {
        let count = ranked.keys.count * kinds
        let starts = (0..<count).reduce(into: [0]) { $0.append($0[$1] + ranked.keys[$1 / kinds].count) }
        var places = [Int32](repeating: -1, count: starts[count])
        for tree in ranked.forest.trees {
            for node in tree.nodes where node.asksThreshold {
                places[starts[Int(node.feature) * kinds + kind(node.missing)] + node.rank] = 0
            }
        }
        keys = (0..<count).map { index in
            var own: [UInt64] = []
            for (rank, key) in ranked.keys[index / kinds].enumerated() where places[starts[index] + rank] == 0 {
                places[starts[index] + rank] = Int32(own.count)
                own.append(key)
            }
            return own
        }
        (self.kinds, self.kind, self.starts, self.places) = (kinds, kind, starts, places)
    }

    /// The place of the node's keys in `keys`.
    func index(_ node: Forest.Node) -> Int { Int(node.feature) * kinds + kind(node.missing) }

    /// The place of the node's threshold among those keys.
    func place(_ node: Forest.Node) -> Int { Int(places[starts[index(node)] + node.rank]) }
}
